package lua

import (
	"strconv"
	"strings"
	"time"
)

// Level is what the state hash holds of one limit, for those who only read it.
type Level struct {
	Bucket string
	Index  int // of the limit within its bucket
	Tokens int64
	Per    time.Duration
	Burst  int64
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
	return float64(l.Burst) - missing.Seconds()*float64(l.Tokens)/l.Per.Seconds()
}

// WaitingAt returns the tokens that those who stand in line wait for.
func (l Level) WaitingAt(at time.Time) float64 {
	from := l.FullAt
	if from.Before(at) {
		from = at
	}
	return max(0, l.LineAt.Sub(from).Seconds()*float64(l.Tokens)/l.Per.Seconds())
}

// State is a reading of the state hash.
type State struct {
	Epoch  string
	Born   time.Time // Redis clock, beginning of the epoch
	Grants int64
	Shift  time.Duration // by which the namespace's own time, that of Born and of Levels, is ahead of Redis' clock
	Levels []Level       // in no order; fields that do not parse are left out
}

// ParseState reads the fields of [Keys.State] as HGETALL returns them. An empty map is a namespace nobody uses yet.
func ParseState(fields map[string]string) State {
	var s State
	for field, value := range fields {
		words := strings.Fields(value)
		if field == "epoch" && len(words) >= 5 {
			s.Epoch = words[0]
			if n, ok := integers(words[1:5]); ok {
				s.Born, s.Grants, s.Shift = time.UnixMicro(n[0]), n[1], time.Duration(n[3])*time.Microsecond
			}
			continue
		}
		name, ok := strings.CutPrefix(field, "limit:")
		index, bucket, found := strings.Cut(name, ":")
		i, err := strconv.Atoi(index)
		if !ok || !found || err != nil || len(words) != 10 || words[0] != "3" {
			continue
		}
		if n, ok := integers(words[1:]); ok && n[0] > 0 && n[1] > 0 {
			seen := time.UnixMicro(n[3])
			deficit := func(units int64) time.Time { return seen.Add(time.Duration(units/n[0]) * time.Microsecond) }
			s.Levels = append(s.Levels, Level{
				Bucket: bucket, Index: i,
				Tokens: n[0], Per: time.Duration(n[1]) * time.Microsecond, Burst: n[2],
				Seen: seen, FullAt: deficit(n[4]), LineAt: deficit(n[6]),
			})
		}
	}
	return s
}

func integers(words []string) ([]int64, bool) {
	out := make([]int64, len(words))
	for i, w := range words {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}
