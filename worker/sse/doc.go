// Package sse streams server-sent events to one client, and reads such a stream back.
//
// The model: an HTTP handler makes a [Writer] from its ResponseWriter and stays in [Writer.Serve] until the stream ends. The events are kept
// elsewhere, such as in a log that several clients read. Serve asks for them one by one and queues none, so that a client that stalls holds
// back its own next event and no memory.
//
//	log ── next (called by Serve, in the handler) ──▶ Serve ──▶ ResponseWriter
//
// The guarantee: events leave in the order in which they come, each of them whole or not at all, and no content
// of an event can end it early or start another. That one was sent means that the kernel accepted the bytes; a browser confirms
// nothing.
//
// Both ends have one bound. An event takes at most [MaxEvent] bytes on the wire: [Event.Frame] refuses a longer one and [Read] ends at one.
//
// On failure: a client that takes nothing for the write timeout, that is gone, or whose request ended stops the stream. Serve returns the cause.
//
// The package starts no goroutine.
package sse
