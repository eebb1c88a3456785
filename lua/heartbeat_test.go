package lua_test

import (
	"slices"
	"testing"
	"time"

	"github.com/weir-go/weir/lua"
)

// TestSilentReplicasAreForgotten: the announcement of one replica removes another one that has not announced itself for
// 30 s.
func TestSilentReplicasAreForgotten(t *testing.T) {
	m, rdb := begin(t)
	for _, beat := range []struct {
		after time.Duration
		id    string
		want  []string
	}{
		{0, "a", []string{"a"}},
		{20 * time.Second, "b", []string{"a", "b"}},
		{29 * time.Second, "b", []string{"a", "b"}},
		{31 * time.Second, "b", []string{"b"}},
	} {
		m.SetTime(time.Unix(1_800_000_000, 0).Add(beat.after))
		if _, err := lua.Heartbeat(t.Context(), rdb, "n", beat.id, []byte("{}"), 10*time.Second, 30*time.Second); err != nil {
			t.Fatal(err)
		}
		if got := rdb.ZRange(t.Context(), lua.Keys("n").Replicas(), 0, -1).Val(); !slices.Equal(got, beat.want) {
			t.Errorf("after %v the replicas are %v, want %v", beat.after, got, beat.want)
		}
	}
}

// TestOrdersAreHandedOver: every announcement of a replica returns the order for it, because a reply may be lost.
func TestOrdersAreHandedOver(t *testing.T) {
	_, rdb := begin(t)
	if err := rdb.Set(t.Context(), lua.Keys("n").Order("b"), "drain", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ id, order string }{{"a", ""}, {"b", "drain"}, {"b", "drain"}} {
		if order, err := lua.Heartbeat(t.Context(), rdb, "n", c.id, []byte("{}"), time.Minute, time.Minute); err != nil || order != c.order {
			t.Errorf("replica %s gets the order %q, %v, want %q", c.id, order, err, c.order)
		}
	}
}
