package wechatsim

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// The internal error numbers that close a Request-ID, as far as the official integration notes name them.
const (
	numberOK           = 0
	numberParameter    = 268435461 // parameter invalid
	numberOutOfRange   = 268435464 // value out of range
	numberUndefined    = 270924358 // undefined extra parameter
	numberAppID        = 268445527 // appid and mchid not bound
	numberNotExist     = 268512771 // order does not exist
	numberClosed       = 268447914 // order expired or closed
	numberPaid         = 268449538 // already paid
	numberDifferent    = 268498688 // same number, different parameters
	numberFrequency    = 268447840 // called too often
	numberNotPublished = 1         // the notes name none for this case
)

// A refusal is a 4xx or 5xx answer. It is never signed.
type refusal struct {
	status int
	number int // closes the Request-ID

	Code    string  `json:"code"`
	Message string  `json:"message"`
	Detail  *detail `json:"detail,omitempty"`
}

// A detail points at the offending part of a request.
type detail struct {
	Field    string `json:"field"`           // a JSON pointer
	Value    any    `json:"value,omitempty"` // as sent; absent when nothing was
	Issue    string `json:"issue"`
	Location string `json:"location"` // body, url or query
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.status, r.Code, r.Message) }

// wrongParameter is a 400 PARAM_ERROR that points at its cause.
func wrongParameter(number int, d detail) error {
	return &refusal{status: http.StatusBadRequest, number: number, Code: "PARAM_ERROR",
		Message: "参数错误：" + d.Field + " " + d.Issue, Detail: &d}
}

func invalidRequest(message string) error {
	return &refusal{status: http.StatusBadRequest, number: numberParameter, Code: "INVALID_REQUEST", Message: message}
}

// refuse writes an error answer: unsigned, and without a Request-ID for 401, as WeChat Pay sends it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var no *refusal
	if !errors.As(err, &no) {
		s.log.Error("simulator failed", "method", r.Method, "path", r.URL.Path, "error", err)
		no = systemError()
	}
	s.log.Info("refused", "method", r.Method, "path", r.URL.Path, "status", no.status, "code", no.Code,
		"message", no.Message)
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if no.status != http.StatusUnauthorized {
		h.Set("Request-ID", requestID(no.number))
	}
	w.WriteHeader(no.status)
	_, _ = w.Write(encode(no)) // the client has gone: there is no one to tell
}

// grant writes a 200 with a body, or a 204 when there is none, signed by a key of WeChat Pay. A file goes unsigned.
func (s *Server) grant(w http.ResponseWriter, r *http.Request, body any, spoil func(*seals)) error {
	if file, ok := body.(download); ok {
		s.sendFile(w, file)
		return nil
	}
	var text []byte
	if body != nil {
		text = encode(body)
	}
	now := s.clock()
	by, err := s.signerOfAnswer(r.Header, now)
	if err != nil {
		return err
	}
	signed, err := newSeals(by, now, text)
	if err != nil {
		return err
	}
	if spoil != nil {
		spoil(&signed)
	}
	h := w.Header()
	signed.write(h.Set)
	h.Set("Request-ID", requestID(numberOK))
	if body == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(text) // the client has gone: there is no one to tell
	return nil
}

// sendFile writes a 200 with a file, which is not signed.
func (s *Server) sendFile(w http.ResponseWriter, file download) {
	h := w.Header()
	h.Set("Request-ID", requestID(numberOK))
	h.Set("Content-Type", "application/octet-stream")
	w.WriteHeader(http.StatusOK)
	if err := file(w); err != nil {
		s.log.Info("download ended early", "error", err) // the client has gone: there is no one to tell
	}
}

// requestID is <hex>-<number>; support of WeChat Pay asks for it.
func requestID(number int) string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:]) + "-" + strconv.Itoa(number)
}

// encode is JSON without Go's HTML escapes: WeChat Pay sends & and < as they are. All that is encoded here is made of
// plain structs, maps and strings, which cannot fail.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Errorf("encode %T: %w", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
