package main

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/weir-go/weir/integration/faults"
)

// sample returns the result of a play of row 7.
func sample() *faults.Played {
	return &faults.Played{
		Line: faults.Line{
			Row: 7, Fault: "FLUSHALL", Excess: new(9.8), Max1s: new(44), Used: new(1.05), SilenceMS: new(int64(28_000)), Lost: new(int64(0)), Twice: new(0),
			CallsPerTask: new(121.5),
		},
		Extra: []faults.Extra{{Name: failedTasks, Value: 2}, {Name: faults.GivenUp, Value: 1}},
		Took:  1500 * time.Millisecond, Failed: []string{"excess ≤ 1.7"},
	}
}

func TestRecordIsALineWithTheLimiter(t *testing.T) {
	row := faults.Row{Number: 7, Name: "lost memory", Fault: "FLUSHALL"}
	for _, c := range []struct {
		p    *faults.Played
		err  error
		want string
	}{
		{sample(), nil, `{"limiter":"ulule","name":"lost memory","row":7,"fault":"FLUSHALL","excess":9.8,"max_1s":44,"used":1.05,"silence_ms":28000,` +
			`"lost":0,"twice":0,"calls_per_task":121.5,"failed":2,"given_up":1,"missed_marks":["excess ≤ 1.7"],"parallel":0,"seconds":1.5,"on":"0001-01-01T00:00:00Z"}`},
		{nil, errors.New("no Redis"), `{"limiter":"ulule","name":"lost memory","row":7,"fault":"FLUSHALL","excess":null,"max_1s":null,"used":null,"silence_ms":null,` +
			`"lost":null,"twice":null,"calls_per_task":null,"failed":null,"parallel":0,"seconds":0,"on":"0001-01-01T00:00:00Z","error":"no Redis"}`},
	} {
		got, err := json.Marshal(recordOf(contestant{name: "ulule"}, row, c.p, c.err))
		if err != nil || string(got) != c.want {
			t.Errorf("error %v, got\n%s\nwant\n%s", err, got, c.want)
		}
	}
}

// TestPortions: a run reads the records that an earlier run appended. The last record of a row and a limiter counts.
func TestPortions(t *testing.T) {
	name := filepath.Join(t.TempDir(), "figures.jsonl")
	if all, err := load(name); err != nil || len(all) != 0 {
		t.Errorf("a file that does not exist has the records %v, error %v, want none and no error", all, err)
	}
	for _, r := range []record{
		{Limiter: "weir", Name: "lost memory", Error: "no Redis"},
		{Limiter: "ulule", Name: "lost memory", Seconds: 1},
		{Limiter: "weir", Name: "lost memory", Seconds: 2},
	} {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := appendTo(name, line); err != nil {
			t.Fatal(err)
		}
	}
	all, err := load(name)
	if err != nil {
		t.Fatal(err)
	}
	if l, there := all.of("lost memory", "weir"); !there || l.Seconds != 2 || l.Error != "" || len(all) != 2 {
		t.Errorf("the record of weir is %+v, of %d records, want the one of 2 s, of 2", l, len(all))
	}
	if err := appendTo(name, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := load(name); err == nil {
		t.Error("a truncated line gives no error")
	}
}
