package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		x      float64
		digits int
		want   string
	}{
		{0, 0, "0"},
		{999, 0, "999"},
		{1000, 0, "1,000"},
		{1234567.891, 2, "1,234,567.89"},
		{-1234, 0, "-1,234"},
		{-0.001, 1, "0.0"},
		{0.05, 3, "0.050"},
		{math.NaN(), 2, "–"},
	} {
		if got := number(c.x, c.digits); got != c.want {
			t.Errorf("number(%v, %d) = %q, want %q", c.x, c.digits, got, c.want)
		}
	}
}

func sample() *table {
	t := &table{letter: "Z", title: "a sample", labels: []string{"limiter"}, columns: []column{median("speed", 1), most("over", 0)}}
	t.add(values{"speed": 10, "over": -1}, "one")
	t.add(values{"speed": 40, "over": 3}, "one")
	t.add(values{"speed": 30, "over": -2}, "one")
	t.add(values{"speed": 5}, "another")
	t.add(values{"speed": 40}, "another")
	t.add(values{"speed": 10}, "another")
	return t
}

func TestTable(t *testing.T) {
	z := sample()
	if got := z.value("speed", "one"); got != 30 {
		t.Errorf("the median is %v, want 30", got)
	}
	if got := z.value("over", "one"); got != 3 {
		t.Errorf("the worst round is %v, want 3", got)
	}
	if got := z.ratio("speed", []string{"one"}, []string{"another"}); got != 2 { // of 2, 1 and 3
		t.Errorf("the ratio is %v, want 2", got)
	}
	for name, got := range map[string]float64{
		"no number": z.value("over", "another"), "no row": z.value("speed", "nobody"), "no column": z.value("colour", "one"),
		"no ratio": z.ratio("speed", []string{"one"}, []string{"nobody"}), "no table": (*table)(nil).value("speed", "one"),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s: %v, want NaN", name, got)
		}
	}
	var out strings.Builder
	z.print(&out)
	const want = `
Z. a sample

| limiter | speed | over |
|---------|------:|-----:|
| one     |  30.0 |    3 |
| another |  10.0 |    – |
`
	if out.String() != want {
		t.Errorf("printed%s\nwant%s", &out, want)
	}
}

// TestTableAsJSON: a number that was not measured is left out, because JSON has no NaN.
func TestTableAsJSON(t *testing.T) {
	text, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"rows":[{"limiter":"one","over":{"rounds":[-1,3,-2],"value":3},"speed":{"rounds":[10,40,30],"value":30}},` +
		`{"limiter":"another","speed":{"rounds":[5,40,10],"value":10}}],"title":"a sample","workload":"Z"}`
	if string(text) != want {
		t.Errorf("%s\nwant %s", text, want)
	}
}
