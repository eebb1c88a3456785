package providers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
)

// call sends body as JSON, unless it is nil, and reads the answer into a pointer, unless that is nil.
func (s *Spotify) call(ctx context.Context, method, path string, body, into any) error {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return unanswered(APISpotify, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(sent))
	if err != nil {
		return unanswered(APISpotify, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	secret, drop, err := s.authorize(ctx, req)
	if err != nil {
		return err
	}
	answer, err := s.do(ctx, req, secret)
	if err != nil {
		return err
	}
	if !answer.ok() {
		e := spotifyError(answer, secret)
		e.Renewed = answer.status == http.StatusUnauthorized && drop()
		return e
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer.body, into); err != nil {
		return unanswered(APISpotify, errNotJSON)
	}
	return nil
}

// authorize puts the access token into the request and returns it, so that errors can leave it out. After an answer 401
// the caller calls drop, which reports whether another attempt would have another token.
func (s *Spotify) authorize(ctx context.Context, req *http.Request) (secret string, drop func() bool, err error) {
	never := func() bool { return false }
	switch {
	case s.login != nil:
		got, err := s.login.token(ctx)
		if err != nil {
			return "", nil, err
		}
		req.Header.Set("Authorization", "Bearer "+got.token)
		return got.token, func() bool { return s.login.drop(got) }, nil
	case s.token == nil:
		return "", never, nil
	}
	token, err := s.token()
	if err == nil {
		token.SetAuthHeader(req)
		return token.AccessToken, never, nil
	}
	if denied, ok := errors.AsType[*oauth2.RetrieveError](err); ok && denied.Response != nil {
		// The body of that answer may contain tokens, so it is not shown.
		return "", nil, &APIError{API: APISpotify, Status: denied.Response.StatusCode, RetryAfter: retryAfter(denied.Response.Header), Message: "the access token was not renewed"}
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return "", nil, unanswered(APISpotify, err)
	}
	return "", nil, &callError{api: APISpotify, text: "no access token could be had", err: err}
}

func spotifyError(answer reply, secret string) *APIError {
	e := &APIError{API: APISpotify, Status: answer.status, RetryAfter: retryAfter(answer.header)}
	var body struct {
		Error struct {
			Message string `json:"message"`
			Reason  string `json:"reason"`
		} `json:"error"`
	}
	// Gateways answer in HTML; then the status is enough.
	_ = json.Unmarshal(answer.body, &body)
	e.Code, e.Message = presentable(body.Error.Reason, secret), presentable(body.Error.Message, secret)
	e.Spent = spent(e.Status, e.Code, e.Message)
	return e
}
