package core

// heap is a binary heap of values that record their places in it, so that a value can be removed from the middle. Each
// operation takes O(log n).
type heap[T any] struct {
	all    []*T
	place  func(*T) *int32 // returns the place of a value: 0 if not in the heap, else its index plus 1
	before func(a, b *T) bool
}

// first returns the first value, nil if there is none.
func (h *heap[T]) first() *T {
	if len(h.all) == 0 {
		return nil
	}
	return h.all[0]
}

func (h *heap[T]) has(v *T) bool { return *h.place(v) > 0 }

// put adds a value, or moves a changed value to its place.
func (h *heap[T]) put(v *T) {
	if !h.has(v) {
		h.all = append(h.all, v)
		h.set(len(h.all)-1, v)
	}
	h.down(h.up(int(*h.place(v)) - 1))
}

// remove removes a value, if it is in the heap.
func (h *heap[T]) remove(v *T) {
	at, last := int(*h.place(v))-1, len(h.all)-1
	if at < 0 {
		return
	}
	*h.place(v) = 0
	moved := h.all[last]
	h.all[last] = nil
	h.all = h.all[:last]
	if at < last {
		h.set(at, moved)
		h.down(h.up(at))
	}
	const small = 64
	if c := cap(h.all); c > small && len(h.all) < c/4 { // frees the memory of a peak
		h.all = append(make([]*T, 0, c/2), h.all...)
	}
}

// keep puts a value into the heap, at its place, or removes it.
func (h *heap[T]) keep(v *T, in bool) {
	if in {
		h.put(v)
	} else {
		h.remove(v)
	}
}

func (h *heap[T]) set(at int, v *T) {
	h.all[at] = v
	*h.place(v) = int32(at + 1) //nolint:gosec // not that many
}

func (h *heap[T]) swap(i, j int) {
	a, b := h.all[i], h.all[j]
	h.set(i, b)
	h.set(j, a)
}

func (h *heap[T]) up(at int) int {
	for at > 0 && h.before(h.all[at], h.all[(at-1)/2]) {
		h.swap(at, (at-1)/2)
		at = (at - 1) / 2
	}
	return at
}

func (h *heap[T]) down(at int) {
	for {
		child := 2*at + 1
		if child >= len(h.all) {
			return
		}
		if right := child + 1; right < len(h.all) && h.before(h.all[right], h.all[child]) {
			child = right
		}
		if !h.before(h.all[child], h.all[at]) {
			return
		}
		h.swap(at, child)
		at = child
	}
}
