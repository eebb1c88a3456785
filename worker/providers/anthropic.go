package providers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/weir-go/weir/limiter"
)

// Anthropic asks Claude, through the official SDK with its own retries off.
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
// that is not JSON, whose content type it would repeat.
func screen(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	res, err := next(req)
	if err != nil || res.StatusCode >= 400 {
		return res, err
	}
	if res.StatusCode >= 300 {
		_ = res.Body.Close()
		return nil, &APIError{API: APIAnthropic, Status: res.StatusCode, Message: "redirects are not followed"}
	}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind != "application/json" {
		_ = res.Body.Close()
		return nil, errNotJSON
	}
	return res, nil
}

const (
	answerTokens    = 2048
	narrationTokens = 120
)

// Ask puts a question to the model and returns the text of its answer.
func (a *Anthropic) Ask(ctx context.Context, prompt string) (string, error) {
	return a.message(ctx, a.model, prompt, answerTokens)
}

// Narrate asks the narrator's model for a sentence.
func (a *Anthropic) Narrate(ctx context.Context, prompt string) (string, error) {
	return a.message(ctx, a.narrator, prompt, narrationTokens)
}

func (a *Anthropic) message(ctx context.Context, model, prompt string, tokens int64) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	msg, err := a.client.Messages.New(ctx, anthropic.MessageNewParams{
		Model:     model,
		MaxTokens: tokens,
		Messages:  []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(prompt))},
	})
	if err != nil {
		return "", a.refused(err)
	}
	a.usage.settle(ctx, msg.Usage)
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

// settle corrects what the call of a context has cost, once the answer says so. A call without an answer counts as it was estimated.
func (u UsageBuckets) settle(ctx context.Context, used anthropic.Usage) {
	r, ok := limiter.FromContext(ctx)
	if !ok || r.Route() != APIAnthropic || r.Costs() == nil {
		return
	}
	costs := limiter.Costs{}
	if u.Input != "" {
		costs[u.Input] = used.InputTokens + used.CacheCreationInputTokens
	}
	if u.Output != "" {
		costs[u.Output] = used.OutputTokens
	}
	if len(costs) > 0 {
		r.Settle(costs)
	}
}

// refused keeps of the SDK's error what may be shown: that one holds the request, whose header holds the key.
func (a *Anthropic) refused(err error) error {
	denied, ok := errors.AsType[*anthropic.Error](err)
	if !ok {
		return unanswered(APIAnthropic, err, a.key())
	}
	var body struct {
		Error struct {
			Message string `json:"message"`
			Details struct {
				Code string `json:"error_code"`
			} `json:"details"`
		} `json:"error"`
	}
	// What is no JSON has no message; the status says enough.
	_ = json.Unmarshal([]byte(denied.RawJSON()), &body)
	e := &APIError{API: APIAnthropic, Status: denied.StatusCode, Message: presentable(body.Error.Message, a.key())}
	e.Code = presentable(cmp.Or(body.Error.Details.Code, string(denied.Type())), a.key())
	e.Spent = spent(e.Status, e.Code, e.Message)
	if denied.Response != nil {
		e.RetryAfter = retryAfter(denied.Response.Header)
	}
	return e
}
