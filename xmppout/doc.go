// Package xmppout turns a [plan.Action] into stanzas: it logs in to a person's
// XMPP account, carries out the steps that hide, reveal and withdraw an
// out-of-office message (XEP-0109) on their PEP node, and shows or hides them.
//
// The package decides nothing about when: what to do arrives as an action. The
// order of the steps is that of package pep, of whose [pep.Node] a logged-in
// client ([node]) is the first implementation; the stanzas and the connection
// are this package's own.
//
// Of awayd it may import the values of sync/absence, sync/account and
// sync/plan, and package pep.
package xmppout
