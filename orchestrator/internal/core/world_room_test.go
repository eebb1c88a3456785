package core

import (
	"cmp"
	"fmt"
	"slices"
)

// admitted compares which tasks have room.
func (w *world) admitted(e *expected, fx *Effects) {
	w.m.admit()
	for _, task := range fx.Admitted {
		t := w.tasks[task]
		if !t.waited || t.admitted {
			w.fail("%s: task %d has room, which it did not wait for", e.what, t.number)
		}
		t.admitted = true
	}
	for _, t := range w.m.all {
		if t.waits() && t.outside != t.Outside() {
			w.fail("%s: task %d waits for room: %t, want %t", e.what, t.number, t.Outside(), t.outside)
		}
	}
	for _, t := range w.tasks {
		if t.waited && !t.admitted && (!t.outside || t.at == gone) {
			w.fail("%s: task %d waits for room no longer, and nobody says so", e.what, t.number)
		}
	}
	if n, weight := w.m.pending(); n != w.c.Pending() || weight != w.c.room.weight {
		w.fail("%s: %d tasks of weight %d wait, want %d of %d", e.what, w.c.Pending(), w.c.room.weight, n, weight)
	}
}

// groups compares which groups are watched.
func (w *world) groups(e *expected, fx *Effects) {
	for _, g := range fx.Watch {
		if w.watched[g] {
			w.fail("%s: group %v is watched twice", e.what, g.Key)
		}
		w.watched[g] = true
	}
	for _, g := range fx.Unwatch {
		if !w.watched[g] {
			w.fail("%s: group %v is not watched", e.what, g.Key)
		}
		delete(w.watched, g)
	}
	used := map[*Group]bool{}
	for _, t := range w.m.all {
		if t.group != nil {
			used[t.group] = true
		}
	}
	if len(used) != len(w.watched) {
		w.fail("%s: %d groups are watched, want %d", e.what, len(w.watched), len(used))
	}
	keys := slices.SortedFunc(func(yield func(string) bool) {
		for g := range used {
			if !w.watched[g] || !yield(fmt.Sprint(g.Key)) {
				return
			}
		}
	}, cmp.Compare[string])
	if len(slices.Compact(keys)) != len(used) {
		w.fail("%s: the wrong groups are watched", e.what)
	}
}
