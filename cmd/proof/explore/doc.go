// Package explore holds the promise "never early, never stale" against every
// interleaving, up to stated bounds, of what a calendar, a clock, a crash, a
// network, a server and the person's other clients can do.
//
// The product's own [engine.Keeper] and [pep.Choreography] run over a model of
// a server (its node, who is told, who may fetch), of a store and of a clock.
// What is right is judged by what contacts could fetch or were told, never by
// what awayd believes. The model's [Facts] are proven against real servers by
// the [Probes], which run on both.
//
// It is test code: nothing of the product may import it.
package explore
