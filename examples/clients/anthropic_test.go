package clients

import (
	"context"
	"net/http"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

// claude is Anthropic's SDK. It retries twice by itself. Each attempt goes through the transport and takes a token. With WithMaxRetries(0) the
// orchestrator can retry instead, which holds no connection and no slot between the attempts.
var claude = subject{
	make: func(hc *http.Client, url string) call {
		client := anthropic.NewClient(
			option.WithoutEnvironmentDefaults(), // the machine may have a real key
			option.WithHTTPClient(hc), option.WithBaseURL(url), option.WithAPIKey("key"),
		)
		return func(ctx context.Context) error {
			_, err := client.Messages.New(ctx, anthropic.MessageNewParams{
				Model: "claude", MaxTokens: 16,
				Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Hello?"))},
			})
			return err
		}
	},
	trouble: []answer{broken, broken}, requests: 3,
	refusal: refused,
}

func Example_anthropic() {
	claude.show()
	// Output:
	// calls wait for their tokens: true
	// one call: 3 requests, 3 tokens
	// the provider refuses one replica: another waits for 7s
}
