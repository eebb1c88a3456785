package limiter

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// TestOftenForgets: the limiter logs each thing at most once a minute. It forgets things of earlier minutes, because
// tenants come and go.
func TestOftenForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o often
		for i := range 1000 {
			if name := strconv.Itoa(i); !o.due(name) || o.due(name) {
				t.Fatalf("%s was not due exactly once", name)
			}
			time.Sleep(time.Second)
		}
		if len(o.at) > 121 {
			t.Errorf("%d names are remembered, want only those of the last two minutes", len(o.at))
		}
		if !o.due("0") {
			t.Error("an old thing is not due again")
		}
	})
}
