package upstream

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// The headers with which a request to POST /v1/messages sets its cost, each a number of tokens from 0 to 10,000,000.
// Without them the input has a token for each four bytes, no part of it is in the cache, and Config.Output sets the
// output.
const (
	HeaderInputTokens     = "X-Simulate-Input-Tokens"      // what the input really has; the estimate stays
	HeaderCacheReadTokens = "X-Simulate-Cache-Read-Tokens" // how much of the input the cache has
	HeaderOutputTokens    = "X-Simulate-Output-Tokens"     // what the output will have, at most max_tokens
)

// question is a request to POST /v1/messages with what its answer costs.
type question struct {
	messageRequest
	wrong string // the fault of the request, "" for none
	asked string
	text  string // of the answer, before max_tokens cuts it

	cost   Call  // the call for the judge
	input  int64 // input tokens that it really has
	output int64 // output tokens that the request sets, or absent
}

// question reads a body.
func (s *Server) question(c *call) *question {
	q := &question{}
	if err := json.Unmarshal(c.body, &q.messageRequest); err != nil {
		q.wrong = "The request body is not valid JSON for a message: " + err.Error()
		return q
	}
	input, cached := simulated(c.Header, HeaderInputTokens), simulated(c.Header, HeaderCacheReadTokens)
	q.output = simulated(c.Header, HeaderOutputTokens)
	if q.wrong = q.problem(); q.wrong == "" && min(input, cached, q.output) < absent {
		q.wrong = fmt.Sprintf("%s, %s, %s: give a number from 0 to %d", HeaderInputTokens, HeaderCacheReadTokens, HeaderOutputTokens, maxTokens)
	}
	if q.wrong != "" {
		return q
	}
	q.ask()
	q.text = s.completion(q.asked)
	q.cost.CacheRead = max(0, cached)
	q.cost.Input = max(0, tokens(q.asked)-q.cost.CacheRead)
	if q.input = q.cost.Input; input != absent {
		q.input = input
	}
	q.cost.MaxTokens = int64(*q.MaxTokens)
	return q
}

// draw sets how many output tokens the answer to the arrival of a number has, and returns the call for the judge.
func (q *question) draw(s *Server, arrival uint64) Call {
	if q.wrong != "" {
		return Call{}
	}
	switch {
	case q.output != absent:
	case s.cfg.Output.Median != 0:
		q.output = s.cfg.Output.draw(s.seeded("output", strconv.FormatUint(arrival, 10)))
	default:
		q.output = tokens(q.text)
	}
	q.cost.Output = min(q.output, q.cost.MaxTokens)
	return q.cost
}

// answer returns the text and the reason of its end.
func (q *question) answer() (text, stop string) {
	text, stop = q.text, "end_turn"
	if q.output > q.cost.MaxTokens {
		stop = "max_tokens"
	}
	if q.cost.MaxTokens < tokens(text) { // so that max_tokens too small for the JSON cuts it here as well
		text, stop = text[:4*q.cost.MaxTokens], "max_tokens"
	}
	return text, stop
}

// ask puts together what is asked.
func (q *question) ask() {
	var asked strings.Builder
	asked.WriteString(string(q.System))
	for _, turn := range q.Messages {
		if turn.Role == "user" { // earlier answers of the model are no question
			asked.WriteString("\n" + string(turn.Content))
		}
	}
	q.asked = asked.String()
}

// absent is the value of a simulation header that is missing. A value below it is no number of tokens.
const absent = -1

func simulated(h http.Header, name string) int64 {
	value := h.Get(name)
	if value == "" {
		return absent
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 || n > maxTokens {
		return math.MinInt64
	}
	return n
}

// tokens is about how many tokens a text has: four bytes each.
func tokens(text string) int64 { return ceilDiv(int64(len(text)), 4) }
