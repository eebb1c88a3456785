// Package sse streams server-sent events to one client, and reads such a stream back.
//
// The model: an HTTP handler makes a [Writer] from its ResponseWriter and stays in [Writer.Serve] until the stream
// ends. The events are stored elsewhere, for example in a log that several clients read. Serve asks for one event at a
// time and queues none. So a client that stalls delays only its own next event and uses no memory.
//
//	log ── next (called by Serve, in the handler) ──▶ Serve ──▶ ResponseWriter
//
// The guarantee: events are sent in the order in which they come, each whole or not at all. No content of an event can
// end the event early or start another. An event counts as sent when the kernel has accepted its bytes, because
// browsers confirm nothing.
//
// Sender and reader have one bound. An event takes at most [MaxEvent] bytes on the wire: [Event.Frame] refuses a longer
// event, and [Read] ends at a longer event.
//
// On failure: the stream stops if the client takes no bytes for the write timeout, has disconnected, or its request has
// ended. Serve returns the cause.
//
// The package starts no goroutine.
package sse
