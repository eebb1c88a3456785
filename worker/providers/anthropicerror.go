package providers

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"

	"github.com/anthropics/anthropic-sdk-go"
)

// The types of Anthropic's errors, and the status of each outside a stream.
const (
	typeRateLimit  = "rate_limit_error" // 429
	typeBilling    = "billing_error"    // 402
	typeNotFound   = "not_found_error"  // 404
	typeOverloaded = "overloaded_error" // 529
	typeTimeout    = "timeout_error"    // 504
	typeInternal   = "api_error"        // 500
)

const statusOverloaded = 529

// status returns the status of an error, even of an error inside an answer of status 200.
func (e *APIError) status() int {
	if e.API != APIAnthropic || e.Status != http.StatusOK {
		return e.Status
	}
	switch e.Type {
	case typeRateLimit:
		return http.StatusTooManyRequests
	case typeBilling:
		return http.StatusPaymentRequired
	case typeOverloaded:
		return statusOverloaded
	case typeTimeout:
		return http.StatusGatewayTimeout
	case typeInternal:
		return http.StatusInternalServerError
	}
	return e.Status
}

var requestID = regexp.MustCompile(`^req_[0-9A-Za-z]{1,64}$`)

// refused returns the part of the SDK's error that may be shown: the SDK's error contains the request, whose header
// contains the key.
func (a *Anthropic) refused(err error, model string) error {
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
		RequestID string `json:"request_id"`
	}
	// A body that is not JSON has no message; the status is enough.
	_ = json.Unmarshal([]byte(denied.RawJSON()), &body)
	e := &APIError{API: APIAnthropic, Status: denied.StatusCode, Message: presentable(body.Error.Message, a.key())}
	if kind := string(denied.Type()); aWord.MatchString(kind) {
		e.Type = kind
	}
	e.Code = presentable(cmp.Or(body.Error.Details.Code, e.Type), a.key())
	if id := cmp.Or(denied.RequestID, body.RequestID); requestID.MatchString(id) {
		e.RequestID = id
	}
	if denied.Response != nil {
		e.RetryAfter = retryAfter(denied.Response.Header)
	}
	e.Spent = spent(e.status(), e.Code, e.Message)
	switch {
	case e.Spent:
	case e.Status == http.StatusNotFound && e.Type == typeNotFound:
		e.Advice = "the account has no model " + presentable(model, a.key()) + ": name another with " + a.setting(model)
	case e.Status == http.StatusUnauthorized:
		e.Advice = "set another key, ANTHROPIC_API_KEY"
	}
	return e
}

// setting returns the setting that names a model.
func (a *Anthropic) setting(model string) string {
	if model == a.narrator && model != a.model {
		return "WEIR_NARRATOR_MODEL (ClientConfig.NarratorModel)"
	}
	return "WEIR_MODEL (ClientConfig.Model)"
}
