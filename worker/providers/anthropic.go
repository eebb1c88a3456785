package providers

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

// Anthropic calls Claude, through the official SDK with its own retries off. Answers come as streams: so an overloaded
// Claude reports that early, and a dead connection differs from a long answer.
type Anthropic struct {
	sender
	key             secret
	client          anthropic.Client
	model, narrator string
	usage           UsageBuckets
}

func newAnthropic(s sender, key, model, narrator string, usage UsageBuckets) *Anthropic {
	opts := []option.RequestOption{
		option.WithoutEnvironmentDefaults(),
		option.WithHTTPClient(s.http),
		option.WithBaseURL(s.base),
		option.WithMaxRetries(0),
		option.WithMiddleware(screen),
		// Trace ids are ours and not the provider's.
		option.WithOpenTelemetryPropagation(false),
		// Prompts hold what users listen to, whatever the environment says about spans.
		option.WithOpenTelemetryTracesContentMode(option.OpenTelemetryContentModeMetadataOnly),
	}
	if key != "" {
		opts = append(opts, option.WithAPIKey(key))
	}
	return &Anthropic{sender: s, key: func() string { return key }, client: anthropic.NewClient(opts...), model: model, narrator: narrator, usage: usage}
}

// screen turns what the SDK would misread into errors: a redirect, which it would take for an answer, and an answer
// that is no stream, whose content type it would repeat.
func screen(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	res, err := next(req)
	if err != nil || res.StatusCode >= 400 {
		return res, err
	}
	if res.StatusCode >= 300 {
		_ = res.Body.Close()
		return nil, &APIError{API: APIAnthropic, Status: res.StatusCode, Message: "redirects are not followed"}
	}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind != "text/event-stream" {
		_ = res.Body.Close()
		return nil, errNoStream
	}
	return res, nil
}

const (
	answerTokens    = 2048
	narrationTokens = 120
)

// Ask sends a question to the model and returns the text of its answer.
func (a *Anthropic) Ask(ctx context.Context, prompt string) (string, error) {
	return a.message(ctx, a.model, prompt, answerTokens)
}

// Narrate asks the narrator's model for a sentence.
func (a *Anthropic) Narrate(ctx context.Context, prompt string) (string, error) {
	return a.message(ctx, a.narrator, prompt, narrationTokens)
}

var (
	errNoStream = errors.New("the answer is not the stream of events expected")
	errCut      = errors.New("the answer ends before its last event")
)

func (a *Anthropic) message(ctx context.Context, model, prompt string, tokens int64) (string, error) {
	within, cancel := a.within(ctx)
	defer cancel()
	stream := a.client.Messages.NewStreaming(within, anthropic.MessageNewParams{
		Model:     model,
		MaxTokens: tokens,
		Messages:  []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(prompt))},
	})
	defer func() { _ = stream.Close() }()
	var msg anthropic.Message
	var whole, disordered bool
	for !disordered && stream.Next() {
		event := stream.Current()
		disordered = msg.Accumulate(event) != nil
		whole = whole || event.Type == "message_stop"
	}
	a.usage.settle(ctx, used(&msg, whole, stream.Err()))
	switch err := stream.Err(); {
	case disordered:
		return "", unanswered(APIAnthropic, errNoStream)
	case err != nil:
		return "", a.refused(a.late(ctx, within, err), model)
	case !whole:
		return "", unanswered(APIAnthropic, errCut)
	}
	var text strings.Builder
	for _, block := range msg.Content {
		if block.Type == "text" {
			text.WriteString(block.Text)
		}
	}
	if strings.TrimSpace(text.String()) == "" {
		return "", unanswered(APIAnthropic, fmt.Errorf("an answer without text, stop reason %q", msg.StopReason), a.key())
	}
	return text.String(), nil
}
