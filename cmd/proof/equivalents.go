package main

// equivalents are the mutants that make no difference to anybody, and why.
var equivalents = map[string]string{
	// Steps whose order does not matter.
	"xmppout/pep Choreography.stage: c.retract(ctx, plan.ItemCurrent, false) before c.publish(ctx, plan.ItemArchive, a.Payload, plan.Whitelist)": unseenOrder,
	"xmppout/pep Choreography.unstage: c.retract(ctx, plan.ItemCurrent, false) before c.retract(ctx, plan.ItemArchive, false)":                   unseenOrder,
	"xmppout/pep Choreography.withdraw: c.leave(ctx, a) before c.deleted()":                                                                      "the node is gone either way",
	"xmppout/pep Choreography.tell: c.confirm(ctx, p) before c.retract(ctx, plan.ItemArchive, false)":                                            "the read-back asks for the current item alone",
	"xmppout/pep Choreography.tell: c.Looks.Gather(ctx) before c.confirm(ctx, p)":                                                                "one reads the node, the other waits for presences",

	"xmppout/pep Choreography.tell: c.confirm(ctx, p) before c.publish(ctx, plan.ItemCurrent, p, guard)": "the first publish was read back, and a node that is lost after it is found by the next look",

	// Refusals that say that the node vanished between two steps of one action: the
	// action fails or goes on, and the next look decides.
	"xmppout/pep Choreography.amend: never !errors.Is(err, ErrItemNotFound)":              vanishedMeanwhile,
	"xmppout/pep Choreography.withdraw: never errors.Is(err, ErrItemNotFound)":            vanishedMeanwhile,
	"xmppout/pep Choreography.withdraw: without c.deleted()":                              vanishedMeanwhile,
	"xmppout/pep Choreography.takeDownQuietly: never !errors.Is(err, ErrItemNotFound)":    vanishedMeanwhile,
	"xmppout/pep Choreography.expectHidden: never !errors.Is(err, ErrItemNotFound)":       vanishedMeanwhile,
	"xmppout/pep Choreography.stageForReveal: never !errors.Is(err, ErrItemNotFound)":     vanishedMeanwhile,
	"xmppout/pep Choreography.stageForReveal: never !errors.Is(err, ErrItemNotFound) (2)": vanishedMeanwhile,
	"xmppout/pep Choreography.stageForReveal: never !missing":                             vanishedMeanwhile,
	"xmppout/pep Choreography.delete: never !errors.Is(err, ErrItemNotFound)":             vanishedMeanwhile,
	"xmppout/pep Look: never errors.Is(err, ErrItemNotFound) (2)":                         vanishedMeanwhile,

	// What is made sure of a second time.
	"xmppout/pep Choreography.withdraw: without c.leave(ctx, a)":               "the keeper makes the person unavailable at the end of the turn, too",
	"xmppout/pep Choreography.tell: never c.NoPresence":                        "the keeper makes the person unavailable at the end of the turn, too",
	"xmppout/pep Choreography.tell: without c.disappear(ctx)":                  "the keeper makes the person unavailable at the end of the turn, too",
	"xmppout/pep Choreography.retract: never !errors.Is(err, ErrItemNotFound)": "what was not taken off is seen by the look that ends the turn, and taken off then",
	"xmppout/pep Choreography.delete: without c.deleted()":                     neverClean,
	"xmppout/pep Choreography.deleted: without c.Ledger.Deleted()":             neverClean,
	"sync/plan Journal.Deleted: without j.Clean = false":                       neverClean,
	"sync/plan Journal.Deleted: without j.Seen = nil":                          "only the log would tell of a node lost that awayd had deleted",
	"sync/engine ledger.Deleted: without l.save(l.k.journal.Deleted())":        neverClean,
	"xmppout/pep Choreography.admit: never len(in) == 0":                       "a request that lets in nobody",
	"xmppout/pep groupsFor: never !ok":                                         "the roster is read for nothing",

	"xmppout/pep Choreography.stageForReveal: never fresh":                              theirOwn,
	"xmppout/pep Choreography.stageForReveal: without c.renew(ctx)":                     theirOwn,
	"xmppout/pep Choreography.takeDown: without c.retract(ctx, plan.ItemArchive, true)": "the end was told, and the node is hidden and deleted in the next two steps",

	"sync/plan decision.standIn: never d.journal.Clean":                                        "on a node that awayd made its message was seen, or an action is under way",
	"sync/plan decision.strangers: never !d.mine()":                                            "a visible node with nothing of awayd's on it is made anew either way",
	"sync/plan decision.strangers: never d.seen.Hidden()":                                      "what is staged is taken off and revealed on another node: a detour that nobody sees",
	"sync/plan decision.stageNext: never d.overridden(d.next)":                                 "what is staged against the person's wish is never revealed",
	"sync/plan decision.withdraw: never p.End.IsZero()":                                        "periods have an end",
	"sync/plan decision.withdraw: never d.begun() == Withdraw":                                 anotherEnd,
	"sync/plan decision.withdraw: never d.journal.Begun.Payload.endsBy(p)":                     anotherEnd,
	"sync/plan Journal.Done: without j.Seen = &Item{ID: ItemArchive, Payload: a.Payload}":      notedByLook,
	"sync/plan Journal.Done: without j.Seen = nil":                                             notedByLook,
	"sync/plan Journal.Saw: without j.Begun = nil":                                             "what is begun next takes its place",
	"sync/plan Journal.Saw: without j.Override = nil":                                          "one that is over does not hold, noted or not",
	"sync/plan Journal.Saw: without j.Seen = nil":                                              "only the log would tell of a node lost that the person removed",
	"sync/engine Keeper.round: without k.recognize(ctx)":                                       "only a journal that was lost or restored from a backup needs it, which no exploration does: TestStateIsOlderThanTheNode fails",
	"sync/engine Keeper.round: without k.settleBegun(ctx)":                                     "the look after it tells that nothing is left to do; only the log lacks the action",
	"sync/engine Keeper.round: without k.saveJournal(ctx, k.journal.Saw(k.observed, k.Now()))": "each action notes what it did, and what else it notes makes no difference either, as said of Journal.Saw",
	"sync/engine ledger.save: without l.k.journal = j":                                         "a withdrawal whose journal cannot be written goes on all the same, and what it left is found by the next look",
	"sync/engine Keeper.settleBegun: without k.saveJournal(ctx, k.journal.Done(action))":       "the look after it tells that nothing is left to do",
	"sync/engine Keeper.round: without k.looked = time.Time{}":                                 "no action follows a look of an earlier round: the node is looked at again",
	"sync/engine Keeper.perform: without k.looked = time.Time{}":                               "a turn that fails has the next one begin with a look",

	// What is not explored: XEP-0108, measures, and how long one waits for an answer.
	"xmppout/pep Choreography.leave: never a.Linger":                                                                activityApart,
	"sync/engine Keeper.round: without k.keepActivity(ctx)":                                                         activityApart,
	"sync/engine Keeper.round: without k.keepActivity(ctx) (2)":                                                     activityApart,
	"sync/engine Keeper.perform: without action.Linger = action.Kind == plan.Withdraw && k.journal.Activity != nil": activityApart,
	"sync/engine Keeper.perform: without k.farewell(ctx)":                                                           activityApart,
	"sync/plan decision.periodOf: never isOf(p, q)":                                                                 logged,
	"sync/plan decision.withdraw: never ok":                                                                         logged,
	"sync/engine Keeper.round: without k.assess(actions)":                                                           measure,
	"sync/engine Keeper.perform: without entry.Duration = time.Since(began)":                                        measure,
	"sync/engine Keeper.perform: without k.Observer.Acted(action.Kind, err)":                                        measure,
	"sync/engine Keeper.perform: without k.flipped(action.Kind)":                                                    measure,
	"sync/engine Keeper.look: without k.Store.SaveObserved(ctx, k.JID, o, k.looked)":                                "for status after a restart; never for a decision",
	"sync/engine Keeper.round: without k.pace(!k.met)":                                                              paceApart,
	"sync/engine Keeper.round: without k.pace(!k.met || flips(action.Kind))":                                        paceApart,
	"sync/engine Keeper.round: without k.met = k.met || flips(action.Kind)":                                         paceApart,
}

const (
	unseenOrder       = "nobody sees the node in either order"
	vanishedMeanwhile = "the node vanished between two steps: the action ends either way, and the next look decides"
	neverClean        = "a node that contacts were let into was noted as such before"
	activityApart     = "the activity node is another one, and has tests of its own"
	anotherEnd        = "each attempt to tell an end tells another one that has passed, and the journal keeps them all"
	theirOwn          = "where nothing can be hidden, a node that is there before the start is the person's own, and so are those whom they let in"
	notedByLook       = "the look that ends the turn notes it, too"
	logged            = "which event an action is for is told in the log alone"
	measure           = "for the log and for metrics"
	paceApart         = "how long answers are waited for, and which account's requests go first: the part on broken networks and the benchmark of a herd show it"
)
