// Package sse streams server-sent events to one client, and reads such a stream back.
//
// The model: an HTTP handler makes a [Writer] from its ResponseWriter, hands it to whoever does the work, and stays in
// [Writer.Serve] until the stream ends. Workers queue events from any goroutine; the handler's goroutine alone sends
// them. That split is what the package is for: net/http lets a ResponseWriter be used only until its handler returns,
// and a late write or flush panics, or lands in somebody else's response.
//
//	workers ── Write, WriteAsync, Flush ──▶ queue ── Serve (the handler) ──▶ ResponseWriter
//
// [Writer.Write] is for what must arrive (results, errors, the end), [Writer.WriteAsync] for what may be late or left
// out (progress), [Writer.Flush] for the checkpoint between two phases.
//
// [Writer.ServeFrom] takes the place of Serve where the events are kept elsewhere, for several clients: it asks for them one by one.
//
// The guarantee: events leave in the order in which they were queued, each of them whole or not at all, and no content
// of an event can end it early or start another. "Flushed" means that the kernel accepted the bytes; a browser confirms
// nothing.
//
// Both ends have one bound. An event takes at most [MaxEvent] bytes on the wire: the Writer refuses a longer one and [Read] ends at one.
// What waits for a client is bounded in bytes, too.
//
// On failure: a client that takes nothing for the write timeout, that is gone, or whose request ended stops the stream.
// Serve returns the cause, what is still queued is dropped, and every other call returns [ErrClosed], then and ever after.
//
// The package starts no goroutine.
package sse
