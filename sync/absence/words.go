package absence

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// What people write, in the languages they write it in. A phrase matches as
// whole words; one in a script that does not separate words matches anywhere.
//
// Words that mean an absence in one language and something common in another
// (Swedish "semester") are in ownWords and count in an account of that
// language only.
var (
	absenceWords = []string{
		"ooo", "o o o", "oof", "out of office", "out of the office", "vacation", "vacations", "on vacation", "holiday",
		"holidays", "pto", "time off", "day off", "days off", "annual leave", "on leave", "sick leave", "sick day",
		"off sick", "parental leave", "maternity leave", "paternity leave", "unpaid leave", "compassionate leave", "sabbatical",
		"abwesend", "abwesenheit", "urlaub", "im urlaub", "urlaubstag", "jahresurlaub", "resturlaub", "sonderurlaub",
		"elternzeit", "bildungsurlaub", "krankgeschrieben", "nicht im büro", "ferien", "freier tag",
		"congé", "congés", "conge", "conges", "vacances", "absent", "absente", "absence", "rtt", "arrêt maladie", "hors du bureau",
		"vacaciones", "fuera de la oficina", "ausente", "de baja",
		"ferie", "fuori ufficio", "assente", "in malattia",
		"férias", "ferias", "fora do escritório",
		"vakantie", "verlof", "afwezig",
		"på semester", "semesterledig", "föräldraledig", "tjänstledig", "frånvarande",
		"fraværende", "ferie", "på ferie", "orlov",
		"loma", "lomalla", "vuosiloma", "kesäloma", "poissa",
		"urlop", "na urlopie", "wakacje", "nieobecny", "nieobecna", "nieobecność",
		"dovolená", "dovolena", "na dovolené", "nepřítomen", "nepřítomna", "dovolenka", "neprítomný",
		"szabadság", "szabadságon", "szabadsag", "házon kívül",
		"tatil", "tatilde", "yıllık izin", "izinli", "ofis dışında",
		"отпуск", "в отпуске", "отпуске", "отсутствую", "вне офиса", "відпустка", "у відпустці",
		"休暇", "不在", "年休", "有休", "有給", "夏休み", "冬休み", "お休み",
		"concediu", "în concediu", "vacanță", "άδεια", "σε άδεια", "διακοπές", "отпуска", "в отпуска",
		"godišnji odmor", "puhkus", "puhkusel", "atvaļinājums", "atostogos", "cuti tahunan", "nghỉ phép",
		"休假", "年假", "请假", "請假", "不在办公室",
		"휴가", "연차", "부재중",
	}
	ownWords = map[string][]string{
		"sv": {"semester", "ledig"},
		"nb": {"fri"},
		"da": {"fri"},
		"nl": {"vrij"},
		"tr": {"izin"},
	}
	absenceCategories = []string{
		"vacation", "urlaub", "congés", "conges", "vacaciones", "férias", "ferie", "vakantie", "semester", "loma", "dovolená",
		"dovolenka", "wakacje", "urlop", "szabadság", "tatil", "отпуск", "відпустка", "休暇", "休假", "휴가",
		"ferias", "dovolena", "szabadsag", "vacanță", "concediu", "άδεια",
		"out of office", "ooo", "abwesend", "annual leave", "pto",
	}
	holidayWords = []string{
		"public holiday", "public holidays", "bank holiday", "bank holidays", "national holiday", "national holidays",
		"federal holiday", "state holiday", "statutory holiday", "legal holiday", "regional holiday", "religious holiday",
		"school holiday", "school holidays", "school vacation", "holiday party", "holiday season", "happy holidays",
		"holidays in", "feiertag", "feiertage", "gesetzlicher feiertag", "schulferien",
		"jour férié", "jours fériés", "férié", "vacances scolaires",
		"festivo", "festivos", "día festivo", "feriado", "feriados", "giorno festivo", "festività",
		"feestdag", "feestdagen", "helgdag", "helgdagar", "röd dag", "helligdag", "helligdage", "helligdager", "pyhäpäivä",
		"święto", "święta", "dzień wolny od pracy", "státní svátek", "svátek", "svátky", "štátny sviatok", "sviatok",
		"ünnepnap", "munkaszüneti nap", "resmi tatil", "bayram", "праздник", "праздники", "праздничный день",
		"祝日", "国民の休日", "法定假日", "公众假期", "公眾假期", "节假日", "공휴일",
	}
	birthdayWords = []string{
		"birthday", "birthdays", "bday", "b day", "geburtstag", "geburtstage", "anniversaire", "anniversaires", "cumpleaños",
		"compleanno", "compleanni", "aniversário", "aniversários", "verjaardag", "verjaardagen", "födelsedag", "födelsedagar",
		"fødselsdag", "fødselsdage", "bursdag", "bursdager", "syntymäpäivä", "syntymäpäivät", "urodziny", "imieniny",
		"narozeniny", "narodeniny", "születésnap", "doğum günü", "день рождения", "дни рождения", "день народження",
		"誕生日", "生日", "생일",
	}
	meetingWords = []string{
		"meeting", "meetings", "planning", "plan", "request", "requests", "approval", "approve", "discussion", "discuss", "policy",
		"besprechung", "planung", "planen", "antrag", "beantragen", "abstimmung", "réunion", "planification", "planifier", "demande",
		"reunión", "planificación", "planificar", "solicitud", "solicitar", "riunione", "pianificazione", "pianificare", "richiesta",
		"reunião", "planejamento", "planeamento", "pedido", "vergadering", "overleg", "aanvraag", "möte", "planering", "ansökan",
		"møde", "møte", "planlægning", "planlegging", "kokous", "suunnittelu", "spotkanie", "planowanie", "wniosek",
		"schůzka", "plánování", "žádost", "toplantı", "planlama", "совещание", "встреча", "планирование", "заявление",
		"booking", "deadline", "reminder", "handover", "frist", "erinnerung", "übergabe", "eintragen", "einreichen", "buchen",
		"poser", "réserver", "prenotare", "reservar", "boeken", "aanvragen", "zarezerwować",
		"会議", "打ち合わせ", "計画", "申請", "会议", "计划", "申请", "회의", "계획",
	}
	// negations before a word take it back: "Vacation, no meetings", "no vacation".
	// aroundWords directly before a word of absence name the time around it.
	aroundWords = []string{
		"back from", "return from", "returning from", "back from my", "before", "after", "before my", "after my", "days until", "countdown to",
		"zurück aus", "zurück aus dem", "zurück vom", "vor", "nach", "vor dem", "nach dem", "vor meinem", "nach meinem", "tage bis",
		"tage bis zum", "retour de", "retour des", "avant", "après", "avant les", "après les", "vuelta de", "regreso de", "antes de", "después de",
		"ritorno dalle", "rientro dalle", "prima delle", "dopo le", "volta das", "terug van", "voor de", "na de", "tillbaka från", "före", "efter",
		"powrót z", "po", "przed", "po dovolené", "после", "перед", "возвращение из",
	}
	// coverWords at the beginning say that the person is there while somebody
	// else is not.
	coverWords = []string{
		"cover for", "covering", "covering for", "cover", "backup for", "standing in for", "stand in for", "deputy for",
		"vertretung", "vertretung für", "urlaubsvertretung", "vertrete", "stellvertretung", "remplacement", "remplacer", "sustitución", "sustituir a",
		"sostituzione", "substituição", "vervanging", "waarneming", "vikariat för", "zastępstwo", "zástup", "helyettesítés",
	}
	// undoneWords are what Outlook puts in front of a cancelled title, and what
	// people write there.
	undoneWords = []string{
		"canceled", "cancelled", "abgesagt", "storniert", "gestrichen", "annulé", "annulée", "annulés", "cancelado", "cancelada", "annullato", "annullate",
		"geannuleerd", "inställt", "inställd", "aflyst", "avlyst", "peruttu", "odwołane", "odwołany", "zrušeno", "zrušené", "törölve", "iptal", "отменено", "отменён",
		"キャンセル", "已取消", "취소됨",
	}
	negations = []string{"no", "not", "without", "keine", "kein", "ohne", "pas", "sans", "sin", "senza", "sem", "geen", "inga", "inget", "ingen", "без", "bez"}
)

// A line is a text made ready for phrases to be found in it.
type line struct {
	words  []string
	folded string
	ascii  bool // so there is no script without spaces in it
}

// newLine folds case by Unicode's rules, composes what was decomposed, and
// splits at whatever is no letter, mark or digit.
func newLine(s string) line {
	s = fold(clip(s, 1000))
	return line{folded: s, ascii: ascii(s), words: strings.FieldsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})}
}

func fold(s string) string {
	if !ascii(s) {
		// Turkish İ folds to i and a dot, which no list writes.
		return strings.ReplaceAll(cases.Fold().String(norm.NFKC.String(strings.ToValidUTF8(s, " "))), "i\u0307", "i")
	}
	return strings.ToLower(s)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// phrases is a set of phrases to be found in a line.
type phrases struct {
	byFirst map[string][][]string // whole words, by the first of them
	within  []string              // scripts without spaces
}

func newPhrases(list []string) phrases { return phrases{}.with(list) }

// with returns p and those of a list. It leaves p as it is, which many share.
func (p phrases) with(list []string) phrases {
	if len(list) == 0 {
		return p
	}
	more := phrases{byFirst: make(map[string][][]string, len(p.byFirst)+len(list)), within: slices.Clip(p.within)}
	for first, some := range p.byFirst {
		more.byFirst[first] = slices.Clip(some)
	}
	for _, s := range list {
		l := newLine(s)
		switch {
		case len(l.words) == 0:
		case strings.ContainsFunc(l.folded, unspaced):
			more.within = append(more.within, strings.TrimSpace(l.folded))
		default:
			more.byFirst[l.words[0]] = append(more.byFirst[l.words[0]], l.words)
		}
	}
	return more
}

func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai)
}

// find returns the first phrase in l and the index of its first word, which is
// -1 for one in a script without spaces.
func (p phrases) find(l line) (phrase string, at int, ok bool) {
	for i := range l.words {
		if n := p.match(l.words[i:]); n > 0 {
			return strings.Join(l.words[i:i+n], " "), i, true
		}
	}
	if l.ascii {
		return "", 0, false
	}
	for _, s := range p.within {
		if strings.Contains(l.folded, s) {
			return s, -1, true
		}
	}
	return "", 0, false
}

// match returns the number of words of the longest phrase that words begin with.
func (p phrases) match(words []string) int {
	longest := 0
	for _, phrase := range p.byFirst[words[0]] {
		if n := len(phrase); n > longest && n <= len(words) && equal(phrase, words[:n]) {
			longest = n
		}
	}
	return longest
}

// has reports whether one of the phrases is in l.
func (p phrases) has(l line) bool {
	_, _, ok := p.find(l)
	return ok
}

// begins reports whether l begins with one of the phrases.
func (p phrases) begins(l line) bool { return len(l.words) > 0 && p.match(l.words) > 0 }

// endsAt reports whether one of the phrases ends right before the n-th word.
func (p phrases) endsAt(l line, n int) bool {
	for i := max(0, n-4); i < n; i++ {
		if p.match(l.words[i:n]) == n-i {
			return true
		}
	}
	return false
}

func equal(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// cut returns l without the phrases, and the first of them.
func (p phrases) cut(l line) (rest line, first string) {
	if !p.has(l) { // as in most titles
		return l, ""
	}
	rest.folded, rest.ascii = l.folded, l.ascii
	for i := 0; i < len(l.words); {
		n := p.match(l.words[i:])
		if n == 0 {
			rest.words = append(rest.words, l.words[i])
			i++
			continue
		}
		if first == "" {
			first = strings.Join(l.words[i:i+n], " ")
		}
		rest.words = append(rest.words, "") // so that no phrase forms across the cut
		i += n
	}
	for _, s := range p.within {
		if strings.Contains(rest.folded, s) {
			rest.folded = strings.ReplaceAll(rest.folded, s, " ")
			if first == "" {
				first = s
			}
		}
	}
	return rest, first
}
