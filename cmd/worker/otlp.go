package main

import (
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"golang.org/x/net/http/httpguts"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// checkOTLP returns an error of usage for an endpoint or headers that the library would not accept. The library would log their values, which may
// contain a key. The error names only the variable.
func checkOTLP() error {
	for _, signal := range []string{"", "TRACES_", "METRICS_", "LOGS_"} {
		prefix := "OTEL_EXPORTER_OTLP_" + signal
		if v := os.Getenv(prefix + "ENDPOINT"); v != "" && !isEndpoint(v) {
			return cli.Usagef("%sENDPOINT: want a URL, such as http://127.0.0.1:4318", prefix)
		}
		if v := os.Getenv(prefix + "HEADERS"); v != "" && !areHeaders(v) {
			return cli.Usagef("%sHEADERS: want NAME=VALUE, several separated by commas, with %%XX for special characters in a value", prefix)
		}
	}
	return nil
}

func isEndpoint(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

func areHeaders(text string) bool {
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(value)
		if !ok || err != nil || !httpguts.ValidHeaderFieldName(strings.TrimSpace(name)) || !httpguts.ValidHeaderFieldValue(strings.TrimSpace(value)) {
			return false
		}
	}
	return true
}

// libraryLogger returns a logger for the errors of the OpenTelemetry library. It writes only the message of a line, because the other fields contain
// values of variables.
func libraryLogger(out io.Writer) logr.Logger {
	return logr.FromSlogHandler(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelError, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey, slog.LevelKey, slog.MessageKey:
			return a
		}
		return slog.Attr{}
	}}))
}
