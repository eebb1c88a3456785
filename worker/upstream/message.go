package upstream

import (
	"encoding/json"
	"fmt"
)

// prose is text in the form of the Messages API: a string or a list of text blocks.
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
	MaxTokens *int   `json:"max_tokens"`
	Stream    bool   `json:"stream"`
	System    prose  `json:"system"`
	Messages  []struct {
		Role    string `json:"role"`
		Content prose  `json:"content"`
	} `json:"messages"`
}

// problem returns what is wrong with a request, "" for nothing.
func (m messageRequest) problem() string {
	switch {
	case m.Model == "":
		return "model: Field required"
	case m.MaxTokens == nil:
		return "max_tokens: Field required"
	case *m.MaxTokens < 1:
		return "max_tokens: Input should be greater than or equal to 1"
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
