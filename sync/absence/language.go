package absence

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goodsign/monday"
)

// A language is how a built-in message and its dates are written.
type language struct {
	tag    string
	locale monday.Locale
	lower  bool   // names of days and months are lower case
	day    string // layout of a day
	year   string // layout of a day with its year
	clock  string // layout of what follows a day to name a time on it
	text   string
}

// languages are in order of their tags. Dates stand where they need no
// inflection that the layouts cannot give.
func languages() []language {
	return []language{
		{"cs", monday.LocaleCsCZ, true, "2. 1. (Mon)", "2. 1. 2006 (Mon)", ", 15:04",
			`{{if eq .Until .Return}}Nebudu k zastižení do {{.Until}}.{{else}}Nebudu k zastižení do {{.Until}}, zpět budu {{.Return}}.{{end}}{{with .Delegate}} Mezitím se prosím obraťte na {{.}}.{{end}}`},
		{"da", monday.LocaleDaDK, true, "Monday den 2. January", "Monday den 2. January 2006", " kl. 15.04",
			`{{if eq .Until .Return}}Jeg er væk indtil {{.Until}}.{{else}}Jeg er væk til og med {{.Until}} og er tilbage {{.Return}}.{{end}}{{with .Delegate}} Kontakt venligst {{.}} i mellemtiden.{{end}}`},
		{"de", monday.LocaleDeDE, false, "Monday, 2. January", "Monday, 2. January 2006", ", 15:04 Uhr",
			`{{if eq .Until .Return}}Ich bin bis {{.Until}}, nicht da.{{else}}Ich bin bis {{.Until}}, nicht da und ab {{.Return}}, wieder erreichbar.{{end}}{{with .Delegate}} In der Zwischenzeit hilft {{.}} weiter.{{end}}`},
		{"en", monday.LocaleEnGB, false, "Monday, 2 January", "Monday, 2 January 2006", ", 15:04",
			`{{if eq .Until .Return}}I am away until {{.Until}}.{{else}}I am away until {{.Until}} and back on {{.Return}}.{{end}}{{with .Delegate}} In the meantime, please contact {{.}}.{{end}}`},
		{"es", monday.LocaleEsES, true, "Monday 2 de January", "Monday 2 de January de 2006", " a las 15:04",
			`{{if eq .Until .Return}}Estoy fuera hasta el {{.Until}}.{{else}}Estoy fuera hasta el {{.Until}} y vuelvo el {{.Return}}.{{end}}{{with .Delegate}} Mientras tanto, puedes contactar con {{.}}.{{end}}`},
		{"fi", monday.LocaleFiFI, true, "Mon 2. January", "Mon 2. January 2006", " klo 15.04",
			`{{if eq .Until .Return}}Olen poissa {{.Until}} asti.{{else}}Olen poissa {{.Until}} asti ja palaan {{.Return}}.{{end}}{{with .Delegate}} Sillä välin voit ottaa yhteyttä: {{.}}.{{end}}`},
		{"fr", monday.LocaleFrFR, true, "Monday 2 January", "Monday 2 January 2006", " à 15:04",
			`{{if eq .Until .Return}}Je ne suis pas là jusqu'au {{.Until}}.{{else}}Je ne suis pas là jusqu'au {{.Until}} et serai de retour le {{.Return}}.{{end}}{{with .Delegate}} Entre-temps, vous pouvez contacter {{.}}.{{end}}`},
		{"it", monday.LocaleItIT, true, "Monday 2 January", "Monday 2 January 2006", " alle 15:04",
			`{{if eq .Until .Return}}Non ci sono fino a {{.Until}}.{{else}}Non ci sono fino a {{.Until}} e torno {{.Return}}.{{end}}{{with .Delegate}} Nel frattempo potete contattare {{.}}.{{end}}`},
		{"ja", monday.LocaleJaJP, false, "1月2日(Mon)", "2006年1月2日(Mon)", " 15:04",
			`{{if eq .Until .Return}}{{.Until}}まで不在にしております。{{else}}{{.Until}}まで不在にしております。{{.Return}}に戻ります。{{end}}{{with .Delegate}}お急ぎの場合は {{.}} までご連絡ください。{{end}}`},
		{"nb", monday.LocaleNbNO, true, "Monday 2. January", "Monday 2. January 2006", " kl. 15.04",
			`{{if eq .Until .Return}}Jeg er borte til {{.Until}}.{{else}}Jeg er borte til og med {{.Until}} og er tilbake {{.Return}}.{{end}}{{with .Delegate}} Kontakt gjerne {{.}} i mellomtiden.{{end}}`},
		{"nl", monday.LocaleNlNL, true, "Monday 2 January", "Monday 2 January 2006", " om 15:04 uur",
			`{{if eq .Until .Return}}Ik ben afwezig tot {{.Until}}.{{else}}Ik ben afwezig tot en met {{.Until}} en weer bereikbaar vanaf {{.Return}}.{{end}}{{with .Delegate}} Neem intussen contact op met {{.}}.{{end}}`},
		{"pl", monday.LocalePlPL, true, "2 January (Monday)", "2 January 2006 (Monday)", ", godz. 15:04",
			`{{if eq .Until .Return}}Nie ma mnie do {{.Until}}.{{else}}Nie ma mnie do {{.Until}}, wracam {{.Return}}.{{end}}{{with .Delegate}} W tym czasie proszę o kontakt: {{.}}.{{end}}`},
		{"pt", monday.LocalePtPT, true, "2 de January (Monday)", "2 de January de 2006 (Monday)", ", 15:04",
			`{{if eq .Until .Return}}Estou fora até {{.Until}}.{{else}}Estou fora até {{.Until}} e volto em {{.Return}}.{{end}}{{with .Delegate}} Entretanto, por favor contacte {{.}}.{{end}}`},
		{"ru", monday.LocaleRuRU, true, "2 January (Monday)", "2 January 2006 г. (Monday)", ", 15:04",
			`{{if eq .Until .Return}}Меня не будет до {{.Until}}.{{else}}Меня не будет до {{.Until}}, вернусь {{.Return}}.{{end}}{{with .Delegate}} В это время можно обратиться к {{.}}.{{end}}`},
		{"sv", monday.LocaleSvSE, true, "Monday 2 January", "Monday 2 January 2006", " kl. 15.04",
			`{{if eq .Until .Return}}Jag är borta till {{.Until}}.{{else}}Jag är borta till och med {{.Until}} och är tillbaka {{.Return}}.{{end}}{{with .Delegate}} Kontakta gärna {{.}} under tiden.{{end}}`},
		{"tr", monday.LocaleTrTR, false, "2 January Monday", "2 January 2006 Monday", ", 15:04",
			`{{if eq .Until .Return}}{{.Until}} tarihine kadar yokum.{{else}}{{.Until}} tarihine kadar yokum; dönüş tarihim {{.Return}}.{{end}}{{with .Delegate}} Bu sürede {{.}} ile iletişime geçebilirsiniz.{{end}}`},
	}
}

// Languages returns the tags of the languages that messages can be written in.
func Languages() []string {
	var tags []string
	for _, l := range languages() {
		tags = append(tags, l.tag)
	}
	return tags
}

// findLanguage returns the language of a tag like de, de-CH or pt_BR.UTF-8; of
// the empty one, English.
func findLanguage(tag string) (language, error) {
	want, err := languageOf(tag)
	if err != nil {
		return language{}, err
	}
	all := languages()
	i := slices.IndexFunc(all, func(l language) bool { return l.tag == want })
	return all[i], nil
}

// languageOf is the language of a tag, if it is a known one.
func languageOf(tag string) (string, error) {
	if tag == "" {
		return "en", nil
	}
	b, _, _ := strings.Cut(strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(tag)), "-")
	if b == "no" {
		b = "nb"
	}
	if known := Languages(); !slices.Contains(known, b) {
		return "", fmt.Errorf("unknown language %q; there are %s", clip(tag, 40), strings.Join(known, ", "))
	}
	return b, nil
}

// date writes the day of t, with its year and its time if asked to.
func (l language) date(t time.Time, year, clock bool) string {
	layout := l.day
	if year {
		layout = l.year
	}
	s := monday.Format(t, layout, l.locale)
	if l.lower {
		s = strings.ToLower(s)
	}
	if clock {
		s += t.Format(l.clock)
	}
	return s
}
