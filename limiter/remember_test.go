package limiter_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
)

// TestRecollection: each row has the replies about a limit, and the replica's report of it afterwards. Reservations are due a second
// ahead at most.
func TestRecollection(t *testing.T) {
	bucket := lua.Limit{Field: lua.Field{Bucket: "a", PerUS: 60_000_000}, Tokens: 1, PerUS: 1_000_000, Burst: 60}
	window := lua.Limit{Field: lua.Field{Bucket: "b", PerUS: 64_000_000, Window: true}, Tokens: 1, PerUS: 1_000_000, Burst: 64} // parts of 2 s
	long := lua.Limit{Field: lua.Field{Bucket: "b", PerUS: 128_000_000, Window: true}, Tokens: 1, PerUS: 2_000_000, Burst: 64}
	quick := lua.Limit{Field: lua.Field{Bucket: "c", PerUS: 1_000_000}, Tokens: 1, PerUS: 1_000_000, Burst: 1}
	own := bucket
	own.Own = true
	type reply struct {
		at     int // s
		epoch  string
		grants int64
		level  int64 // s of a bucket
	}
	for name, c := range map[string]struct {
		limit   lua.Limit
		replies []reply
		at      int
		want    string // epoch, grants, and in how many seconds the bucket is full; for a window its starts and their due times in seconds
	}{
		"a bucket":                        {bucket, []reply{{0, "e", 5, 30}}, 10, "e 5 20"},
		"full":                            {bucket, []reply{{0, "e", 5, 0}}, 10, "e 5 -10"},
		"a newer reply":                   {bucket, []reply{{0, "e", 5, 30}, {1, "e", 7, 31}}, 10, "e 7 22"},
		"one that was overtaken":          {bucket, []reply{{0, "e", 7, 31}, {1, "e", 5, 30}}, 10, "e 7 21"},
		"of another epoch":                {bucket, []reply{{0, "e", 7, 31}, {1, "f", 1, 5}}, 10, "f 1 -4"},
		"of a level that is not known":    {bucket, []reply{{0, "e", 5, 30}, {1, "f", 1, -1}}, 10, "e 5 20"},
		"of a bucket made at run time":    {own, []reply{{0, "e", 5, 30}}, 10, ""},
		"of a limit that is full at once": {quick, []reply{{0, "e", 5, 1}}, 10, ""},
		"a window":                        {window, []reply{{0, "e", 5, 3}, {5, "e", 6, 4}}, 10, "e 6 3:-9 4:-4"},
		"nothing new":                     {window, []reply{{0, "e", 5, 3}, {5, "e", 6, 3}}, 10, "e 6 3:-9"},
		"starts of one part":              {window, []reply{{0, "e", 5, 3}, {1, "e", 6, 4}, {2, "e", 7, 5}}, 10, "e 7 3:-9 4:-8 5:-7"},
		"more of them":                    {window, []reply{{0, "e", 1, 1}, {1, "e", 2, 2}, {1, "e", 3, 3}, {3, "e", 4, 4}, {4, "e", 5, 5}}, 10, "e 5 1:-9 3:-8 4:-6 5:-5"},
		"the later time":                  {long, []reply{{0, "e", 1, 1}, {1, "e", 2, 2}, {3, "e", 3, 3}}, 10, "e 3 1:-9 3:-6"},
		"a window, overtaken":             {window, []reply{{0, "e", 7, 5}, {1, "e", 5, 3}}, 10, "e 7 5:-9"},
		"a window of another epoch":       {window, []reply{{0, "e", 5, 3}, {5, "f", 1, 9}}, 10, "f 1 9:-4"},
		"a window that counts less":       {window, []reply{{0, "e", 5, 3}, {5, "e", 6, 2}}, 10, "e 6 2:-4"},
		"an old start":                    {window, []reply{{0, "e", 5, 3}, {10, "e", 6, 4}, {70, "e", 7, 5}}, 70, "e 7 3:-69 4:-59 5:1"},
		"two":                             {window, []reply{{0, "e", 5, 3}, {10, "e", 6, 4}, {80, "e", 7, 5}}, 80, "e 7 4:-69 5:1"},
		"nothing but old":                 {window, []reply{{0, "e", 5, 3}, {200, "e", 6, 3}}, 200, "e 6 3:-199"},
	} {
		t.Run(name, func(t *testing.T) {
			r, zero := limiter.Recollection{}, time.Unix(1_800_000_000, 0)
			at := func(s int) time.Time { return zero.Add(time.Duration(s) * time.Second) }
			for _, reply := range c.replies {
				level := reply.level
				if !c.limit.Field.Window && level > 0 {
					level *= 1_000_000
				}
				r.Note(c.limit, reply.epoch, reply.grants, level, at(reply.at), time.Second)
			}
			var got []string
			for _, report := range r.Reports(at(c.at)) {
				got = append(got, report.Epoch, fmt.Sprint(report.Grants))
				if !c.limit.Field.Window {
					got = append(got, fmt.Sprint(report.FullUS/1_000_000))
				}
				for _, s := range report.Starts {
					got = append(got, fmt.Sprintf("%d:%d", s.Number, s.DueUS/1_000_000))
				}
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("the report is %q, want %q", text, c.want)
			}
		})
	}
}
