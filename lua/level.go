package lua

import (
	"strings"
	"time"
)

// Level is what the state hash holds of one limit, for those who only read it.
type Level struct {
	Limit

	Seen   time.Time // the namespace's own time, of the last call that touched it
	FullAt time.Time // the bucket is full from then on
	LineAt time.Time // the same with all counted in who stand in line
}

// TokensAt returns the tokens in the bucket at a moment of the namespace's own time; negative while it is in debt.
func (l Level) TokensAt(at time.Time) float64 {
	missing := l.FullAt.Sub(at)
	if missing <= 0 {
		return float64(l.Burst)
	}
	return float64(l.Burst) - l.tokens(missing)
}

// WaitingAt returns the tokens that those who stand in line wait for.
func (l Level) WaitingAt(at time.Time) float64 {
	from := l.FullAt
	if from.Before(at) {
		from = at
	}
	return max(0, l.tokens(l.LineAt.Sub(from)))
}

func (l Level) tokens(d time.Duration) float64 {
	return d.Seconds() * 1e6 * float64(l.Tokens) / float64(l.PerUS)
}

// Wish is what a replica was configured with.
type Wish struct {
	Replica string
	Seen    time.Time // the namespace's own time
	Left    bool
	Limits  []Limit
}

// State is a reading of the state hash.
type State struct {
	Epoch   string
	Born    time.Time // Redis clock, beginning of the epoch
	Grants  int64
	Shift   time.Duration // by which the namespace's own time, that of Born and of Levels, is ahead of Redis' clock
	Version int64
	Told    string  // what the fleet was told
	Levels  []Level // in no order; fields that do not parse are left out
	Wishes  []Wish  // in no order
}

// Opens returns the buckets that the fleet was told are closed, until moments of the namespace's own time.
func (s State) Opens() []Opens {
	opens, _ := parseTold(s.Told)
	return opens
}

// Set returns the buckets whose limits the fleet was told.
func (s State) Set() []string {
	_, set := parseTold(s.Told)
	return set
}

// ParseState reads the fields of [Keys.State] as HGETALL returns them. An empty map is a namespace nobody uses yet.
func ParseState(fields map[string]string) State {
	s := State{Told: fields["told"]}
	w := words{rest: fields["epoch"]}
	if id, version, born, grants, _, shift := w.word(), w.next(), w.next(), w.next(), w.next(), w.next(); !w.bad {
		s.Epoch, s.Version, s.Born, s.Grants, s.Shift = id, version, time.UnixMicro(born), grants, time.Duration(shift)*time.Microsecond
	}
	for field, value := range fields {
		if f, ok := ParseField(field); ok {
			w := words{rest: value}
			v := [9]int64{}
			tag := w.next()
			for i := range v {
				v[i] = w.next()
			}
			if w.bad || tag != 5 || v[0] <= 0 || v[1] <= 0 {
				continue
			}
			seen := time.UnixMicro(v[3])
			deficit := func(units int64) time.Time { return seen.Add(time.Duration(units/v[0]) * time.Microsecond) }
			s.Levels = append(s.Levels, Level{
				Limit: Limit{Field: f, Tokens: v[0], PerUS: v[1], Burst: v[2]},
				Seen:  seen, FullAt: deficit(v[4]), LineAt: deficit(v[6]),
			})
		}
		if _, ok := strings.CutPrefix(field, "replica:"); ok {
			w := words{rest: value}
			seen, left, digest, name := w.next(), w.next(), w.word(), w.word()
			if w.bad {
				continue
			}
			s.Wishes = append(s.Wishes, Wish{
				Replica: name, Seen: time.UnixMicro(seen), Left: left == 1, Limits: parseLimits(fields["wish:"+digest]),
			})
		}
	}
	return s
}

// parseLimits reads lines of "field tokens per_us burst"; those that do not parse are left out.
func parseLimits(text string) []Limit {
	var out []Limit
	for line := range strings.Lines(text) {
		w := words{rest: strings.TrimSpace(line)}
		f, ok := ParseField(w.word())
		l := Limit{Field: f, Tokens: w.next(), PerUS: w.next(), Burst: w.next()}
		if ok && !w.bad {
			out = append(out, l)
		}
	}
	return out
}
