package sse

import "slices"

// queue holds the encoded events that wait to be sent, in order. Its owner locks it.
type queue struct {
	items []item
	bytes int    // what the items take
	limit int    // WriteAsync lets no more bytes wait, one event apart
	last  uint64 // sequence number of the newest item ever
	held  uint64 // somebody waits for the items up to this one: none of them may be left out
}

type item struct {
	seq   uint64
	frame Frame
}

// overhead is what an item takes beside its key and its wire form, in bytes, so that a bound in bytes bounds empty events, too.
const overhead = 64

func size(f Frame) int { return len(f.wire) + len(f.key) + overhead }

// push appends an event and returns its sequence number.
func (q *queue) push(f Frame) uint64 {
	q.last++
	q.items = append(q.items, item{seq: q.last, frame: f})
	q.bytes += size(f)
	return q.last
}

// fits reports whether one more event fits as things are. An empty queue takes any event: the longest may be above the limit.
func (q *queue) fits(f Frame) bool { return len(q.items) == 0 || q.bytes+size(f) <= q.limit }

// room reports whether one more event fits, after leaving out events that it or a later one makes worthless, should that be needed. The
// survivors keep their order, so a client sees a part of what was queued and never an older count after a newer one.
func (q *queue) room(f Frame) bool {
	if q.fits(f) {
		return true
	}
	newer := map[string]bool{f.key: f.key != ""}
	kept := len(q.items)
	for _, it := range slices.Backward(q.items) {
		if newer[it.frame.key] && it.seq > q.held {
			q.bytes -= size(it.frame)
			continue
		}
		newer[it.frame.key] = it.frame.key != ""
		kept--
		q.items[kept] = it
	}
	q.items = slices.Delete(q.items, 0, kept)
	return q.fits(f)
}

// hold keeps everything queued up to seq from being left out.
func (q *queue) hold(seq uint64) { q.held = max(q.held, seq) }

// gone reports whether no event up to seq waits.
func (q *queue) gone(seq uint64) bool { return len(q.items) == 0 || q.items[0].seq > seq }

// pop takes the oldest event out, if there is one.
func (q *queue) pop() (it item, ok bool) {
	if len(q.items) == 0 {
		return item{}, false
	}
	it = q.items[0]
	q.bytes -= size(it.frame)
	q.items = slices.Delete(q.items, 0, 1)
	return it, true
}

// withdraw takes an event out of the queue, if it is still there.
func (q *queue) withdraw(seq uint64) {
	q.items = slices.DeleteFunc(q.items, func(it item) bool {
		if it.seq == seq {
			q.bytes -= size(it.frame)
		}
		return it.seq == seq
	})
}
