package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/weir-go/weir/cmd/internal/cli"
)

type healthCmd struct {
	URL string `arg:"" optional:"" help:"URL to request. Without it, http://127.0.0.1:PORT/livez."`
}

// Run sends one request. It returns an error if the answer is not 200 or takes longer than two seconds.
func (c *healthCmd) Run(ctx context.Context) error {
	p, err := port()
	if err != nil {
		return &cli.Error{Status: cli.Usage, Err: err}
	}
	url := cmp.Or(c.URL, "http://127.0.0.1:"+p+"/livez")
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("healthcheck: %s answers %s", url, res.Status)
	}
	return nil
}
