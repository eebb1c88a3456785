package limiter_test

import (
	"testing"

	"github.com/weir-go/weir/limiter"
)

// BenchmarkTenReservations measures a batch of ten reservations, in memory.
func BenchmarkTenReservations(b *testing.B) {
	l, err := limiter.NewMemory(one(1_000_000_000, 100_000_000))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if rs, _, err := l.ReserveBatch(b.Context(), "global", limiter.Run{N: 10}); err != nil || len(rs) != 10 {
			b.Fatal(len(rs), err)
		}
	}
}
