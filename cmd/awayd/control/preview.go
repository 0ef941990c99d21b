package control

import (
	"time"

	"awayd/sync/absence"
	"awayd/sync/engine"
	"awayd/sync/plan"
)

// NewPreview turns what the engine, or a dry run over files, computed into the
// promised document.
func NewPreview(p engine.Preview, from, to time.Time) Preview {
	zone := p.Zone
	doc := Preview{
		Zone: zone.String(), From: from.In(zone), To: to.In(zone),
		Absences: []PreviewAbsence{}, Ignored: []PreviewIgnored{},
		Periods: previewPeriods(p.Result.Timeline, zone), Actions: []PreviewAction{}, Errors: []PreviewError{},
	}
	for _, a := range p.Result.Absences {
		doc.Absences = append(doc.Absences, PreviewAbsence{
			UID: a.UID, Start: a.Start.In(zone), End: a.End.In(zone), AllDay: a.AllDay,
			Summary: a.Summary, Calendar: a.Calendar, Matched: a.Matched,
		})
	}
	for _, i := range p.Result.Ignored {
		doc.Ignored = append(doc.Ignored, PreviewIgnored{
			UID: i.UID, Start: i.Start.In(zone), End: i.End.In(zone),
			Summary: i.Summary, Calendar: i.Calendar, Reason: string(i.Reason), Detail: i.Detail,
		})
	}
	for _, s := range p.Steps {
		switch s.Kind {
		case plan.Stage, plan.Reveal, plan.Amend, plan.Withdraw:
			doc.Actions = append(doc.Actions, PreviewAction{
				At: s.At.In(zone), Action: string(s.Kind),
				Period: plan.PeriodOf(p.Result.Timeline, s), Reason: s.Reason,
			})
		}
	}
	for _, e := range p.Result.Errors {
		doc.Errors = append(doc.Errors, PreviewError{Source: e.Source, Error: e.Reason})
	}
	return doc
}

func previewPeriods(l absence.Timeline, zone *time.Location) []PreviewPeriod {
	list := []PreviewPeriod{}
	for _, p := range l.Periods {
		doc := PreviewPeriod{
			Start: p.Start.In(zone), End: p.End.In(zone), Message: p.Message(p.Start),
			Absences: []string{}, Joins: []PreviewJoin{},
		}
		for _, a := range p.Absences {
			doc.Absences = append(doc.Absences, a.UID)
		}
		for _, j := range p.Joins {
			doc.Joins = append(doc.Joins, PreviewJoin{From: j.From.In(zone), To: j.To.In(zone), Why: j.Why})
		}
		list = append(list, doc)
	}
	return list
}
