package adapt_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter/internal/adapt"
)

// TestSlot: at half of a rate of 40 a second, a token takes 50 ms, and a burst of one second has 20 tokens.
func TestSlot(t *testing.T) {
	const unit = 40 * ms // units of 1/40 µs in a ms
	for _, c := range []struct{ ahead, cost, factor, want int64 }{
		{0, 1, adapt.Whole, (25 - 1000) * unit},
		{0, 40, adapt.Whole, 0},
		{39, 1, adapt.Whole, 0},
		{40, 1, adapt.Whole, 25 * unit},
		{0, 1, 500_000, (50 - 1000) * unit},
		{0, 20, 500_000, 0},
		{19, 1, 500_000, 0},
		{20, 1, 500_000, 50 * unit},
		{0, 40, 500_000, 0},
		{10, 40, 500_000, 500 * unit}, // more than the burst: when the bucket is full
	} {
		if got := forty.Slot(c.ahead, c.cost, forty.Price(c.factor)); got != c.want {
			t.Errorf("a call of %d behind %d tokens at factor %d: %d units after full, want %d", c.cost, c.ahead, c.factor, got, c.want)
		}
	}
}

// TestPrice: a price is exact, rounded up, and never below the price at the configured rate. The price of a whole burst is
// small enough to be exact.
func TestPrice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := adapt.Limit{Tokens: 1, Per: rapid.Int64Range(1, 1<<50).Draw(t, "per")}
		l.Burst = rapid.Int64Range(1, (1<<50)/l.Per).Draw(t, "burst")
		factor := rapid.Int64Range(1000, adapt.Whole).Draw(t, "factor")
		exact := new(big.Int).Mul(big.NewInt(l.Per), big.NewInt(adapt.Whole))
		exact.Add(exact, big.NewInt(factor-1)).Div(exact, big.NewInt(factor))
		got := l.Price(factor)
		if got < l.Per || got > l.Per && got > (1<<50)/l.Burst {
			t.Fatalf("the price of a token of %d units at factor %d is %d units, out of range", l.Per, factor, got)
		}
		if got != max(l.Per, min(exact.Int64(), (1<<50)/l.Burst)) {
			t.Fatalf("the price of a token of %d units at factor %d is %d units, want %d", l.Per, factor, got, exact)
		}
	})
}

// TestFactorsKeepTheLaw: whatever the factors were, no period has more tokens than the burst plus the configured rate times its
// length.
func TestFactorsKeepTheLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := adapt.Limit{
			Tokens: rapid.SampledFrom([]int64{1, 3, 40, 999}).Draw(t, "tokens"),
			Per:    rapid.SampledFrom([]int64{second, 60 * second, 777}).Draw(t, "per"),
			Burst:  rapid.SampledFrom([]int64{1, 2, 7, 40}).Draw(t, "burst"),
		}
		now, full, charged, least := int64(epoch), int64(0), int64(0), int64(0)
		for i := range rapid.IntRange(1, 100).Draw(t, "calls") {
			now += rapid.Int64Range(0, 2*l.Per/l.Tokens+1).Draw(t, "idle")
			price := l.Price(rapid.SampledFrom([]int64{1000, 12_500, 333_333, 940_000, 999_999, adapt.Whole}).Draw(t, "factor"))
			cost := rapid.Int64Range(1, l.Burst).Draw(t, "cost")
			due := (now - epoch) * l.Tokens // units
			due = max(due, full+l.Slot(0, cost, price))
			due = (due + l.Tokens - 1) / l.Tokens * l.Tokens // a whole µs, as for a reservation
			full = max(full, due) + cost*price
			if rest := full - due; rest > max(l.Burst*l.Per, cost*price) {
				t.Fatalf("call %d: full is %d units after its due time", i, rest)
			}
			// For every period between two calls: charges less time, counted from their lowest, are at most the burst.
			if v := charged - due; i == 0 || v < least {
				least = v
			}
			charged += cost * l.Per
			if over := charged - due - least - l.Burst*l.Per; over > 0 {
				t.Fatalf("call %d: %d units above the limit", i, over)
			}
			now = max(now, epoch+due/l.Tokens-rapid.Int64Range(0, 250*ms).Draw(t, "ahead"))
		}
	})
}
