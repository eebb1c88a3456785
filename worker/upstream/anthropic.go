package upstream

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// statusOverloaded is Anthropic's own status for "everybody is asking, it is not your quota".
const statusOverloaded = 529

func (s *Server) routeAnthropic() {
	p := &provider{api: Anthropic, above: 3, header: s.anthropicHeader, fault: func(c *call, status int) answer {
		switch status {
		case http.StatusTooManyRequests:
			return anthropicError(c, status, "rate_limit_error", "This request would exceed your account's rate limit. Please try again later.")
		case http.StatusRequestEntityTooLarge:
			return anthropicError(c, status, "request_too_large", "Request exceeds the maximum size")
		case statusOverloaded:
			return anthropicError(c, status, "overloaded_error", "Overloaded")
		}
		return anthropicError(c, status, "api_error", "Internal server error")
	}}
	s.handle("POST /v1/messages", p, s.message)
}

func (s *Server) anthropicHeader(c *call, h http.Header, refused time.Duration) {
	h.Set("Request-Id", c.id)
	if refused == 0 {
		return
	}
	// Anthropic states its limits per minute.
	rate := s.cfg.Total.Rate
	if own := s.cfg.PerAPI[Anthropic].Rate; own != 0 {
		rate = min(rate, own)
	}
	h.Set("Anthropic-Ratelimit-Requests-Limit", strconv.FormatInt(int64(math.Round(rate*60)), 10))
	h.Set("Anthropic-Ratelimit-Requests-Remaining", "0")
	h.Set("Anthropic-Ratelimit-Requests-Reset", time.Now().Add(refused).UTC().Format(time.RFC3339))
}

func anthropicError(c *call, status int, kind, message string) answer {
	return answer{status: status, body: object{
		"type":       "error",
		"error":      object{"type": kind, "message": message},
		"request_id": c.id,
	}}
}

// prose is text as the Messages API takes it, a string or a list of text blocks.
type prose string

func (p *prose) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		return json.Unmarshal(b, (*string)(p))
	}
	var blocks []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(b, &blocks); err != nil {
		return err
	}
	for _, block := range blocks {
		if block.Type != "text" {
			return fmt.Errorf("content block of type %q: only text is simulated", block.Type)
		}
		*p += prose(block.Text) + "\n"
	}
	return nil
}

type messageRequest struct {
	Model     string `json:"model"`
	MaxTokens int    `json:"max_tokens"`
	Stream    bool   `json:"stream"`
	System    prose  `json:"system"`
	Messages  []struct {
		Role    string `json:"role"`
		Content prose  `json:"content"`
	} `json:"messages"`
}

// problem words what is wrong with a request, "" for nothing.
func (m messageRequest) problem() string {
	switch {
	case m.Model == "":
		return "model: Field required"
	case m.MaxTokens < 1:
		return "max_tokens: Input should be greater than or equal to 1"
	case m.Stream:
		return "stream: only false is simulated"
	case len(m.Messages) == 0:
		return "messages: at least one message is required"
	}
	for i, turn := range m.Messages {
		if turn.Role != "user" && turn.Role != "assistant" {
			return fmt.Sprintf("messages.%d.role: Input should be 'user' or 'assistant'", i)
		}
		if turn.Content == "" {
			return fmt.Sprintf("messages.%d.content: Field required", i)
		}
	}
	return ""
}

// message answers POST /v1/messages.
func (s *Server) message(c *call) answer {
	if c.Header.Get("X-Api-Key") == "" {
		return anthropicError(c, http.StatusUnauthorized, "authentication_error", "x-api-key header is required")
	}
	if c.Header.Get("Anthropic-Version") == "" {
		return anthropicError(c, http.StatusBadRequest, "invalid_request_error", "anthropic-version: header is required")
	}
	var m messageRequest
	if err := json.Unmarshal(c.body, &m); err != nil {
		return anthropicError(c, http.StatusBadRequest, "invalid_request_error", "The request body is not valid JSON for a message: "+err.Error())
	}
	if problem := m.problem(); problem != "" {
		return anthropicError(c, http.StatusBadRequest, "invalid_request_error", problem)
	}

	var asked strings.Builder
	asked.WriteString(string(m.System))
	for _, turn := range m.Messages {
		if turn.Role == "user" { // what the model said before is not a question
			asked.WriteString("\n" + string(turn.Content))
		}
	}
	text, stop := s.completion(asked.String()), "end_turn"
	if int64(m.MaxTokens) < tokens(text) { // so that max_tokens too small for the JSON cuts it here as well
		text, stop = text[:4*m.MaxTokens], "max_tokens"
	}
	return answer{status: http.StatusOK, body: object{
		"id":            "msg_01" + base62(c.dice, 22),
		"type":          "message",
		"role":          "assistant",
		"model":         m.Model,
		"content":       []object{{"type": "text", "text": text}},
		"stop_reason":   stop,
		"stop_sequence": nil,
		"usage": object{
			"input_tokens":                tokens(asked.String()),
			"output_tokens":               tokens(text),
			"cache_creation_input_tokens": 0,
			"cache_read_input_tokens":     0,
			"service_tier":                "standard",
		},
	}}
}

// tokens is about how many tokens a text has: four bytes each.
func tokens(text string) int64 { return ceilDiv(int64(len(text)), 4) }
