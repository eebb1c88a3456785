package orchestrator_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/orchestrator"
)

// TestOldTasksOfALowClassHaveTheirTurn: while an urgent task is always queued, a normal and a background task start when
// they are old enough, and not before.
func TestOldTasksOfALowClassHaveTheirTurn(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 1, Ageing: time.Second}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var mu sync.Mutex
		var order []string
		task := func(name string) orchestrator.Task[int] {
			return func(context.Context) (int, error) {
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				time.Sleep(100 * time.Millisecond)
				return 0, nil
			}
		}
		var all []*orchestrator.Future[int]
		add := func(name string, c orchestrator.Class) {
			all = append(all, submit(t, t.Context(), o, task(name), orchestrator.Priority(c)))
			synctest.Wait()
		}
		add("first", orchestrator.Normal)
		add("background", orchestrator.Background)
		add("normal", orchestrator.Normal)
		add("urgent", orchestrator.Urgent)
		time.Sleep(50 * time.Millisecond)
		add("urgent again", orchestrator.Urgent)
		// From now on an urgent task is always queued. The others start when they are old enough, and not before.
		for i := range 30 {
			time.Sleep(100 * time.Millisecond)
			add("later", orchestrator.Urgent)
			mu.Lock()
			if got := slices.Contains(order, "normal"); got != (i > 10) {
				t.Errorf("after %d: normal %t", i, got)
			}
			if got := slices.Contains(order, "background"); got != (i > 21) {
				t.Errorf("after %d: background %t", i, got)
			}
			mu.Unlock()
		}
		for _, f := range all {
			if _, err := f.Await(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff([]string{"first", "urgent", "urgent again"}, order[:3]); diff != "" {
			t.Error(diff)
		}
	})
}
