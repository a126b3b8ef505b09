package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"saoma/backend/pay"
	"saoma/widget/ui"
)

// A problem is an error answer, application/problem+json by RFC 9457.
type problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code"`
	Message   string         `json:"message,omitempty" doc:"What the customer can be told of it, in the language asked for"`
	RequestID string         `json:"request_id"`
	Errors    []problemField `json:"errors,omitempty"`

	retryAfter time.Duration // 0: nothing is said of it
}

type problemField struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error, GetStatus and ContentType make a problem an answer that huma sends as it is.
func (p *problem) Error() string             { return p.Code + ": " + p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders are what huma sends beside it.
func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(ceilSeconds(p.retryAfter)))
	}
	return h
}

// statusOf says which HTTP status carries a code of the domain.
func statusOf(c pay.Code) int {
	switch c {
	case pay.Invalid, pay.KeyReused:
		return http.StatusUnprocessableEntity
	case pay.Unauthorized:
		return http.StatusUnauthorized
	case pay.NotFound:
		return http.StatusNotFound
	case pay.Conflict, pay.Busy, pay.Disagreement, pay.SoldOut:
		return http.StatusConflict
	case pay.Stale:
		return http.StatusPreconditionFailed
	case pay.Unavailable, pay.Declined:
		return http.StatusBadGateway
	case pay.Overloaded:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// problem turns an error into an answer. What the shop cannot mend is logged here, once.
func (s *Server) problem(ctx context.Context, call string, err error) *problem {
	var known *problem
	var e *pay.Error
	switch {
	case errors.As(err, &known):
		return finishProblem(ctx, *known)
	case pay.CodeOf(err) == pay.Overloaded: // no line in the log for each: there are many
		return finishProblem(ctx, *overloaded())
	case errors.As(err, &e):
		p := newProblem(ctx, statusOf(e.Code), string(e.Code), e.Message)
		for _, f := range e.Fields {
			p.Errors = append(p.Errors, problemField{f.Name, f.Message})
		}
		if p.Status >= http.StatusInternalServerError {
			s.Log.Error("call failed", "call", call, "request", p.RequestID, "error", err)
		}
		return p
	case ctx.Err() != nil:
		// The caller has left; nobody reads this answer.
		return newProblem(ctx, http.StatusServiceUnavailable, "cancelled", "the request was given up")
	}
	p := newProblem(ctx, http.StatusInternalServerError, "internal", "something went wrong on our side; ask again")
	s.Log.Error("call failed", "call", call, "request", p.RequestID, "error", err)
	return p
}

func newProblem(ctx context.Context, status int, code, detail string) *problem {
	return finishProblem(ctx, problem{Status: status, Code: code, Detail: detail})
}

func finishProblem(ctx context.Context, p problem) *problem {
	p.Type = "about:blank"
	p.Title = http.StatusText(p.Status)
	p.RequestID = requestID(ctx)
	if c, ok := ctx.Value(callerKey{}).(caller); ok {
		p.Message = ui.Refusal(langOf(c.request), p.Code)
	}
	return &p
}

// toProblem turns the refusals of huma's own checks (unknown fields, wrong types, out of range) into problems.
func toProblem(ctx huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := newProblem(ctx.Context(), e.Status, codeOfStatus(e.Status), clean(e.Detail))
	for _, d := range e.Errors {
		p.Errors = append(p.Errors, problemField{clean(fieldOf(d)), clean(d.Message)})
	}
	return p, nil
}

// fieldOf names a field as the caller wrote it. A missing one is named in the message only.
func fieldOf(d *huma.ErrorDetail) string {
	field := d.Location
	var missing string
	if n, _ := fmt.Sscanf(d.Message, validation.MsgExpectedRequiredProperty, &missing); n == 1 {
		field += "." + missing
	}
	return strings.TrimPrefix(strings.TrimPrefix(field, "body."), "query.")
}

func codeOfStatus(status int) string {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return "body_too_large"
	case http.StatusUnsupportedMediaType:
		return "not_json"
	case http.StatusNotFound:
		return string(pay.NotFound)
	}
	if status >= http.StatusInternalServerError {
		return "internal"
	}
	return string(pay.Invalid)
}

func writeProblem(w http.ResponseWriter, p *problem) {
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	// The caller may be gone; there is nobody else to tell.
	_ = json.NewEncoder(w).Encode(p)
}

// noRoute answers what no route takes: a path that is nobody's, or one that is called by another method.
func (s *Server) noRoute(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if allowed := methodsOf(mux, r); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			writeProblem(w, newProblem(r.Context(), http.StatusMethodNotAllowed, "method_not_allowed",
				"this address is called by "+strings.Join(allowed, ", ")))
			return
		}
		writeProblem(w, newProblem(r.Context(), http.StatusNotFound, string(pay.NotFound), "no such call"))
	}
}

// methodsOf returns the methods by which the path of a request can be called.
func methodsOf(mux *http.ServeMux, r *http.Request) (allowed []string) {
	for _, method := range [...]string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(other); pattern != "" && pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	return allowed
}

// clean makes text that a stranger wrote fit for an answer or a log line: printable, and not long.
func clean(s string) string {
	const most = 200 // bytes
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '?'
		}
		return r
	}, s)
}
