// Package xmppout turns a [plan.Action] into stanzas: it logs in to a person's
// XMPP account, carries out the steps that hide, reveal and withdraw an
// out-of-office message (XEP-0109) on their PEP node, and shows or hides them.
//
// The package decides nothing about when: what to do arrives as an action. It
// knows the order of the steps (choreography.go), which holds for every server
// and every way to reach it; the operations on one node ([pep]), of which a
// logged-in client ([node]) is the first implementation; and the connection.
//
// Of awayd it may import the values of sync/absence, sync/account and
// sync/plan, and nothing else.
package xmppout
