package sse

import "slices"

// queue holds the encoded events that wait to be sent, in order. Its owner locks it.
type queue struct {
	items []item
	limit int    // WriteAsync adds no item beyond it
	last  uint64 // sequence number of the newest item ever
	held  uint64 // somebody waits for the items up to this one: none of them may be left out
}

type item struct {
	seq  uint64
	key  string
	wire []byte
}

// push appends an event and returns its sequence number.
func (q *queue) push(key string, wire []byte) uint64 {
	q.last++
	q.items = append(q.items, item{seq: q.last, key: key, wire: wire})
	return q.last
}

// room reports whether one more event with this key fits, after leaving out events that it or a later one makes
// worthless, should that be needed. The survivors keep their order, so a client sees a part of what was queued and never
// an older count after a newer one.
func (q *queue) room(key string) bool {
	if len(q.items) < q.limit {
		return true
	}
	newer := map[string]bool{key: key != ""}
	kept := len(q.items)
	for _, it := range slices.Backward(q.items) {
		if newer[it.key] && it.seq > q.held {
			continue
		}
		newer[it.key] = it.key != ""
		kept--
		q.items[kept] = it
	}
	q.items = slices.Delete(q.items, 0, kept)
	return len(q.items) < q.limit
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
	q.items = slices.Delete(q.items, 0, 1)
	return it, true
}

// withdraw takes an event out of the queue, if it is still there.
func (q *queue) withdraw(seq uint64) {
	q.items = slices.DeleteFunc(q.items, func(it item) bool { return it.seq == seq })
}
