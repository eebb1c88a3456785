package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// measured is the content of the file that bench/arrivals writes.
type measured struct {
	Rate     int `json:"rate"`
	Burst    int `json:"burst"`
	SlackMS  int `json:"slack_ms"`
	Replicas int `json:"replicas"`
	Callers  int `json:"callers"`
	Calls    int `json:"calls"`
	Plays    []struct {
		Limiter  string  `json:"limiter"`
		Sent     int     `json:"sent"`
		Refused  int     `json:"refused"`
		Seconds  float64 `json:"seconds"`
		Longest  float64 `json:"longest_wait_seconds"`
		Scripts  int     `json:"scripts"`
		Accepted []int   `json:"accepted_in_100ms"`
		Turned   []int   `json:"refused_in_100ms"`
	} `json:"plays"`
}

// arrivalsPicture shows the calls that reached a provider in each 100 ms, with a chart for each limiter.
func arrivalsPicture(file string) (*canvas, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var m measured
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	const (
		left, right = 52, 784
		top, high   = 44, 96.0 // of the first chart; of each
		step        = 148      // from one chart to the next
		most        = 42       // calls at the upper edge of a chart; a higher bar is cut, and shows its number of calls
	)
	bins := 0
	for _, p := range m.Plays {
		bins = max(bins, len(p.Accepted))
	}
	wide := float64(right-left) / float64(bins)
	var about []string
	c := newCanvas(float64(step*len(m.Plays)+104), "Calls at a provider, in each 100 ms", "")
	y := func(chart int, calls float64) float64 {
		return float64(top+step*chart) + high*(1-min(calls, most)/most)
	}
	for i, p := range m.Plays {
		sums := fmt.Sprintf("%d sent, %d refused, %.1f s", p.Sent, p.Refused, p.Seconds)
		if p.Scripts > 0 {
			sums += fmt.Sprintf(". Longest wait for a token %.1f s, %s scripts in Redis", p.Longest, thousands(p.Scripts))
		}
		about = append(about, p.Limiter+": "+sums+".")
		c.text("ink bold", begins, 15, 16, y(i, most)-12, p.Limiter)
		c.text("ink", begins, 13, 130, y(i, most)-12, sums)
		for s := 0; s*10 < bins; s++ {
			x := left + 10*wide*float64(s)
			c.line("quiet-line", point{x, y(i, 0)}, point{x, y(i, 0) + 4})
			c.text("quiet", middle, 12, x, y(i, 0)+17, fmt.Sprint(s))
		}
		c.line("quiet-line", point{left, y(i, 0)}, point{right, y(i, 0)})
		for _, calls := range []int{20, 40} {
			c.text("quiet", ends, 12, left-6, y(i, float64(calls))+4, fmt.Sprint(calls))
			c.line("quiet-line", point{left - 4, y(i, float64(calls))}, point{left, y(i, float64(calls))})
		}
		for k, accepted := range p.Accepted {
			x, refused := left+wide*float64(k), p.Turned[k]
			cut := min(1, most/float64(max(1, accepted+refused))) // a cut bar keeps the share of its refused calls
			low, edge := y(i, cut*float64(accepted)), y(i, float64(accepted+refused))
			c.bar("blue", x+0.5, low, wide-1, y(i, 0)-low)
			c.bar("red", x+0.5, edge, wide-1, low-edge)
			if accepted+refused > most {
				c.text("ink bold", begins, 13, x+wide+3, y(i, most)+11, fmt.Sprint(accepted+refused))
			}
		}
		budget := y(i, float64(m.Rate)/10)
		c.line("ink-line dashed", point{left, budget}, point{right, budget})
	}
	below := float64(top + step*(len(m.Plays)-1) + 134)
	c.bar("blue", 16, below-10, 12, 12)
	c.text("ink", begins, 13, 34, below, "accepted")
	c.bar("red", 124, below-10, 12, 12)
	c.text("ink", begins, 13, 142, below, "refused (429)")
	c.line("ink-line dashed", point{266, below - 4}, point{302, below - 4})
	c.text("ink", begins, 13, 310, below, fmt.Sprintf("budget: %d in 100 ms, after a burst of %d", m.Rate/10, m.Burst))
	c.text("quiet", begins, 13, 680, below, "x: seconds")
	for i, line := range []string{
		fmt.Sprintf("%d replicas make %d calls each, %d at a time. The provider allows %d calls a second, burst %d, slack %d ms.", m.Replicas, m.Calls, m.Callers, m.Rate, m.Burst, m.SlackMS),
		"A refused call is sent again after Retry-After. A bar that is too high is cut, and has its number.",
		"redis_rate has no wait: its callers sleep for RetryAfter, and ask again.",
	} {
		c.text("quiet", begins, 12, 16, below+26+17*float64(i), line)
	}
	c.about = strings.Join(slices.Insert(about, 0, "The same calls under two limiters and without one."), " ")
	return c, nil
}

// thousands returns a number with a comma before every three digits.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
