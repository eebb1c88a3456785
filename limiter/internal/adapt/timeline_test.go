package adapt_test

import (
	"slices"
	"testing"

	"github.com/weir-go/weir/limiter/internal/adapt"
)

// Times are µs. Timelines and simulations begin at the epoch.
const (
	ms     = int64(1000)
	second = 1000 * ms
	epoch  = 1_800_000_000 * second
)

var forty = adapt.Limit{Tokens: 40, Per: second, Burst: 40, Horizon: 250 * ms}

// step is an input at a time, in seconds since the epoch, and the factor right after it, in ppm.
type step struct {
	at   float64
	do   input
	want int64
}

type input func(s *adapt.State, l adapt.Limit, now int64)

func at(t float64) int64 { return epoch + int64(t*float64(second)) }

// refusal reports refused calls, by their due times.
func refusal(due ...float64) input {
	return func(s *adapt.State, l adapt.Limit, now int64) {
		for _, d := range due {
			s.Refused(l, now, at(d), 1)
		}
	}
}

// failures reports n failed calls of an overloaded provider, 25 ms apart.
func failures(n int, first float64) input {
	return func(s *adapt.State, l adapt.Limit, now int64) {
		for i := range n {
			s.Overloaded(l, now, at(first)+int64(i)*25*ms, 1)
		}
	}
}

func remains(arrived float64, limit, period, remaining, underWay int64) input {
	return func(s *adapt.State, l adapt.Limit, now int64) {
		s.Remaining(l, now, adapt.Answer{Heard: at(arrived), Limit: limit, Period: period * second, Remaining: remaining, UnderWay: underWay})
	}
}

func nothing(*adapt.State, adapt.Limit, int64) {}

// cut is two refusals. One of the 12 grants of 0.3 s was too many, so 11/12 of the rate remains.
var cut = step{10, refusal(9.90, 9.95), 861_666}

func TestTimelines(t *testing.T) {
	for _, l := range []struct {
		name  string
		limit adapt.Limit
		steps []step
	}{
		{"one refusal is chance", forty, []step{{10, refusal(9.9), 1_000_000}, {11, refusal(10.95), 1_000_000}, {13, nothing, 1_000_000}}},
		{"two within a second are an event", forty, []step{cut}},
		{"two are an event in any order", forty, []step{{10, refusal(9.95, 9.90), 861_666}}},
		{"far apart they are an event that is not deep", forty, []step{{10, refusal(9), 1_000_000}, {10, refusal(10), 916_500}}},
		{"a refusal that is long ago does not end a count", forty, []step{{10, refusal(9.90, 3), 1_000_000}, {10, refusal(9.95), 861_666}}},
		{"until a horizon after the cut all is of the event", forty, []step{
			cut,
			{10.1, refusal(9.96, 10.1, 10.2, 10.25), 861_666}, // 5, with the first that was too many
			{10.3, refusal(9.8, 9.8, 9.8), 864_900},           // due before the event: no effect; the factor grows from 10.25 on
			{10.3, refusal(10.24), 864_900},                   // 6
			{10.3, refusal(10.24), 660_469},                   // 7 of the 22 grants of a horizon and 0.3 s: 15/22, but an event lowers to 0.7 at most
			{10.3, refusal(10.24, 10.24, 10.24), 660_469},     // 0.7 at most
		}},
		{"it grows slowly near the limit, and fast beyond", forty, []step{
			cut, {12.75, nothing, 916_666}, {13.75, nothing, 920_185}, {15.25, nothing, 971_665}, {16.5, nothing, 1_000_000},
		}},
		{"a probe fails at one refusal", forty, []step{
			cut, {15.25, refusal(15.2), 878_899}, // two thirds of 916 666 and a third of 971 665, as it is after a cut
		}},
		{"before it is a probe one refusal is chance", forty, []step{cut, {12, refusal(11.9), 915_181}}},
		{"an overloaded provider is another matter", forty, []step{
			{10, failures(16, 9.5), 1_000_000}, {10, failures(1, 9.9), 250_000}, // 16 of the 16 grants of 0.4 s
			{10.2, failures(9, 9.9), 250_000}, // of the same event
			{11.25, nothing, 250_000}, {11.75, nothing, 375_000}, {12.25, nothing, 500_000}, {13.25, nothing, 1_000_000},
		}},
		{"it is asked once a second at least", forty, []step{
			{10, failures(17, 9.5), 250_000}, {11, failures(9, 10.3), 62_500}, {12, failures(9, 11.3), 25_000}, {13, failures(9, 12.3), 25_000},
		}},
		{"what remains", forty, []step{
			{10, remains(10, 40, 1, 5, 0), 500_000},
			{10, remains(9.99, 40, 1, 40, 0), 500_000},
			{10.1, remains(10.1, 40, 1, 5, 3), 200_000},
			{10.2, remains(10.2, 40, 1, 0, 9), 12_500},
			{10.3, remains(10.3, 40, 2, 40, 0), 500_000},
			{10.4, remains(10.4, 40, 0, 11, 1), 1_000_000},
			{10.5, remains(10.5, 20, 1, 20, 0), 500_000},
			{15.4, nothing, 500_000},
			{15.5, nothing, 1_000_000},
		}},
		{"nothing is a probe while answers say what remains", forty, []step{
			cut, {15.2, remains(15.2, 40, 1, 40, 0), 968_431}, {15.25, refusal(15.2), 971_665}, {15.26, refusal(15.21), 835_654},
		}},
		{"a slow limit is timed in grants", adapt.Limit{Tokens: 1, Per: 3 * second, Burst: 20, Horizon: 250 * ms}, []step{
			{100, refusal(91, 97), 658_000}, {130.25, nothing, 700_000}, {190.25, nothing, 1_000_000},
		}},
	} {
		t.Run(l.name, func(t *testing.T) {
			s := adapt.New()
			for i, step := range l.steps {
				step.do(&s, l.limit, at(step.at))
				if got := s.Factor(l.limit, at(step.at)); got != step.want {
					t.Errorf("step %d at %v s: factor %d, want %d; %+v", i, step.at, got, step.want, s)
				}
			}
		})
	}
}

// TestNew: a state that has learned nothing has the configured rate, on any clock.
func TestNew(t *testing.T) {
	s := adapt.New()
	for _, now := range []int64{0, 1, second, epoch} {
		if f := s.Factor(forty, now); f != adapt.Whole {
			t.Errorf("a new state has the factor %d at %d, want the configured rate", f, now)
		}
	}
}

// TestOneCut: 64 replicas each report one refusal of the same moment. In any order of the reports the rate is cut once.
func TestOneCut(t *testing.T) {
	reports := make([]float64, 64)
	for i := range reports {
		reports[i] = 10 + float64(i)/400
	}
	for _, order := range []string{"first to last", "last to first"} {
		s, cuts := adapt.New(), 0
		for i, due := range reports {
			before := s.Cut
			s.Refused(forty, at(10.2)+int64(i)*ms, at(due), 1)
			if s.Cut != before {
				cuts++
			}
		}
		if cuts != 1 {
			t.Errorf("reports in the order %s: %d cuts, want 1", order, cuts)
		}
		slices.Reverse(reports)
	}
}
