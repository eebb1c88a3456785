package adapt_test

import (
	"math"
	"math/rand/v2"

	"github.com/weir-go/weir/limiter/internal/adapt"
)

const replicas = 8

// world describes a fleet that always has work, and its provider. Functions of time take seconds since the epoch.
type world struct {
	rate     int64                   // configured, tokens a second; the burst is a second of it
	seconds  int64                   // simulated
	kind     kind                    // of the provider
	near     bool                    // the provider answers at once, and its burst is the calls of one second
	accepts  func(t float64) float64 // calls a second
	stray    float64                 // share of the calls that the provider refuses for no reason
	fails    func(t float64) float64 // share of the calls that fail because the provider is overloaded
	stranger func(t float64) float64 // calls a second of other clients
	headers  bool                    // answers contain what remains
}

// fate is the result of a call: when it was due, in seconds since the epoch, and whether the provider served it.
type fate struct {
	due float64
	ok  bool
}

// fleet is the state of a run. All replicas share one level and one state, as in a store. Times are µs since the epoch.
type fleet struct {
	world
	events
	limit    adapt.Limit
	state    adapt.State
	full     int64 // units of 1/rate of a µs
	charged  int64 // tokens so far
	latency  float64
	rand     *rand.Rand
	provider *provider
	fates    []fate
}

// run simulates a world and returns its calls. The seed determines the latency, 20 to 800 ms, and the properties of the
// provider.
func (w world) run(seed uint64) []fate {
	r := rand.New(rand.NewPCG(seed, 1))
	f := &fleet{world: w, state: adapt.New(), rand: r}
	f.limit = adapt.Limit{Tokens: w.rate, Per: second, Burst: w.rate, Horizon: []int64{100 * ms, 250 * ms}[seed%2]}
	f.latency = 20 * math.Exp(r.Float64()*math.Log(40)) * float64(ms)
	k := w.kind
	if k == anyKind {
		k = kind(seed % 3)
	}
	f.provider = newProvider(k, w.accepts(0), r)
	if w.near {
		f.latency, f.provider.burst, f.provider.level = 0, 1, w.accepts(0)
	}
	for i := range replicas {
		f.at(r.Int64N(10*ms), func() { f.ask(i) })
	}
	if w.stranger != nil {
		f.at(0, f.other)
	}
	f.play(w.seconds * second)
	return f.fates
}

// ask makes a request of a replica. The replica reserves its share of a horizon's calls, and starts each when it is due.
func (f *fleet) ask(replica int) {
	l := f.limit
	price := l.Price(f.state.Factor(l, epoch+f.now))
	for range 1 + f.rate*l.Horizon/second/replicas {
		due := max(f.now, (f.full+l.Slot(0, 1, price)+f.rate-1)/f.rate)
		if due > f.now+l.Horizon {
			f.at(min(due-l.Horizon+f.rand.Int64N(2*ms), f.now+250*ms), func() { f.ask(replica) })
			return
		}
		f.full = max(f.full, due*f.rate) + price
		f.charged++
		serial := f.charged
		f.at(due+f.trip(), func() { f.arrive(due, serial) })
	}
	f.at(f.now+f.rand.Int64N(l.Horizon*4/10)+1, func() { f.ask(replica) })
}

// trip draws the time of one way through the network.
func (f *fleet) trip() int64 { return 10*ms + f.rand.Int64N(40*ms) }

// arrive handles a call that reaches its provider. The time of the answer varies by half.
func (f *fleet) arrive(due, serial int64) {
	t, back := float64(f.now)/float64(second), f.now+f.trip()+int64(f.latency*(0.5+f.rand.Float64()))
	if f.fails != nil && f.rand.Float64() < f.fails(t) {
		f.fates = append(f.fates, fate{float64(due) / float64(second), false})
		f.at(back, func() { f.state.Overloaded(f.limit, epoch+f.now, epoch+due, 1) })
		return
	}
	rate := f.accepts(t)
	ok, left := f.provider.accepts(f.now, rate)
	ok = ok && f.rand.Float64() >= f.stray
	f.fates = append(f.fates, fate{float64(due) / float64(second), ok})
	f.at(back, func() {
		if f.headers {
			f.state.Remaining(f.limit, epoch+f.now, adapt.Answer{
				Heard: epoch + f.now, Limit: int64(rate), Period: second, Remaining: int64(left),
				UnderWay: max(0, f.charged-serial-int64(rate*float64(f.now-due)/float64(second))),
			})
		}
		if !ok {
			f.state.Refused(f.limit, epoch+f.now, epoch+due, 1)
		}
	})
}

// other makes the calls of other clients to the same provider, at random times.
func (f *fleet) other() {
	t := float64(f.now) / float64(second)
	rate := f.stranger(t)
	if rate == 0 {
		f.at(f.now+100*ms, f.other)
		return
	}
	f.provider.accepts(f.now, f.accepts(t))
	f.at(f.now+int64(f.rand.ExpFloat64()/rate*float64(second)), f.other)
}
