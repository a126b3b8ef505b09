package wechat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"

	"saoma/backend/pay"
)

// What names, numbers and codes are made of.
const (
	digits   = "0123456789"
	letters  = "abcdefghijklmnopqrstuvwxyz"
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// read takes what the SDK returned apart. The answer has status and Request-ID even if the call failed.
func read(ctx context.Context, result *core.APIResult, err error) (answer, *pay.GatewayError) {
	var a answer
	if result == nil || result.Response == nil {
		return a, &pay.GatewayError{Outcome: pay.Unsure, Err: unanswered(ctx, err)}
	}
	r := result.Response
	defer func() { _ = r.Body.Close() }() // the transport has read it into memory
	a.status, a.requestID = r.StatusCode, requestID(r.Header)
	if api, ok := errors.AsType[*core.APIError](err); ok {
		return a, refusal(a, api)
	}
	if err == nil {
		a.body, err = io.ReadAll(r.Body)
		a.signedAt, _ = signedAt(r.Header) // the signature is good, so the number was
	}
	if err != nil { // the signature is not good: done or not done, nobody says
		if rejection, ok := errors.AsType[*Rejection](err); ok {
			err = rejection // without the SDK's words around it
		}
		return a, &pay.GatewayError{
			Outcome: pay.Unsure, Status: a.status, RequestID: a.requestID,
			Err: inOneLine(fmt.Errorf("the answer is not verified: %w", err)),
		}
	}
	return a, nil
}

// refusal is an answer outside 2xx. WeChat Pay does not sign those.
func refusal(a answer, api *core.APIError) *pay.GatewayError {
	e := &pay.GatewayError{Status: a.status, RequestID: a.requestID}
	if len(api.Code) <= 64 && strings.Trim(api.Code, capitals+digits+"_") == "" {
		e.Code = api.Code // anything else in its place is not WeChat Pay speaking
	}
	e.Outcome = outcome(a.status, e.Code)
	text := api.Message
	if detail, ok := api.Detail.(map[string]any); ok { // not its "value", which repeats the request
		for _, key := range []string{"field", "issue"} {
			if part, ok := detail[key].(string); ok && part != "" {
				text += "; " + key + " " + part
			}
		}
	}
	if e.Code == "" {
		text = "no error of WeChat Pay's; something in between may have answered"
	}
	if text != "" {
		e.Err = errors.New(oneLine(text))
	}
	return e
}

// outcome decides what an answer outside 2xx may have left behind (doc 4012081709). Only an answer with one
// of WeChat Pay's codes is a decision: a proxy's 403 may come after WeChat Pay has done the work.
func outcome(status int, code string) pay.Outcome {
	switch code {
	case "", "SYSTEM_ERROR", "SERVICE_UNAVAILABLE", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED":
		return pay.Unsure
	}
	switch {
	case status < 400 || status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return pay.Unsure
	case status == http.StatusNotFound && code == "ORDER_NOT_EXIST":
		return pay.Missing
	}
	return pay.Refused
}

// requestID returns the Request-ID (hex, a dash, digits), or "" if what stands there is something else.
func requestID(h http.Header) string {
	id := h.Get(consts.RequestID)
	if len(id) > 128 || strings.Trim(id, capitals+letters+digits+"-_") != "" {
		return ""
	}
	return id
}

// signedAt returns when WeChat Pay signed an answer or a callback, by its own clock.
func signedAt(h http.Header) (time.Time, error) {
	seconds, err := strconv.ParseInt(h.Get(consts.WechatPayTimestamp), 10, 64)
	return time.Unix(seconds, 0), err
}

// unanswered drops what [http.Client] puts around an error, a method and the host that we replaced, and sees
// to it that the end of the context shows: net/http returns the context's cause, which may be anything.
func unanswered(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	return inOneLine(err)
}

// textMax bounds the text of an error, in characters.
const textMax = 300

// oneLine makes one bounded, printable line of a text that others wrote.
func oneLine(text string) string {
	if len(text) > 8*textMax {
		text = text[:8*textMax]
	}
	line := []rune(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r): // control characters, and marks that turn the direction of the line
			return unicode.ReplacementChar
		}
		return r
	}, strings.TrimSpace(text)))
	if len(line) > textMax {
		line = append(line[:textMax], '…')
	}
	return string(line)
}

// A line is an error whose text was made one line; errors.Is and errors.As see what it was.
type line struct {
	text string
	err  error
}

func inOneLine(err error) error { return &line{text: oneLine(err.Error()), err: err} }
func (l *line) Error() string   { return l.text }
func (l *line) Unwrap() error   { return l.err }
