package server

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// A callDoc is what the API document says of a call beside its shape.
type callDoc struct {
	id, tag string
	text    string // Markdown is not needed: plain sentences
	errors  []int  // statuses beside those that follow from the call's shape
}

// An example is a request and the answer to it, as they stand in examples.json by the id of the call.
type example struct {
	Request json.RawMessage `json:"request"` // as they are written: readers see the important things first
	Answer  json.RawMessage `json:"answer"`
}

//go:embed examples.json
var examplesJSON []byte

// describer completes the document of the calls.
type describer struct {
	api      huma.API
	problems *huma.Schema
	examples map[string]example
}

func newDescriber(api huma.API) (*describer, error) {
	d := &describer{api: api}
	d.problems = api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "Problem")
	if err := json.Unmarshal(examplesJSON, &d.examples); err != nil {
		return nil, fmt.Errorf("read the examples of the API document: %w", err)
	}
	return d, nil
}

// document completes the API document once all calls are registered, and returns its readable form.
func (s *Server) document(api huma.API) (http.HandlerFunc, error) {
	if err := s.describe(api); err != nil {
		return nil, err
	}
	return s.docs(api.OpenAPI()), nil
}

// describe completes all calls.
func (s *Server) describe(api huma.API) error {
	d, err := newDescriber(api)
	if err != nil {
		return err
	}
	doc := api.OpenAPI()
	for _, op := range otherCalls() {
		doc.AddOperation(op)
	}
	for path, item := range doc.Paths {
		for method, op := range operations(item) {
			d.complete(method+" "+path, op)
		}
	}
	doc.Tags = tags()
	for _, name := range [...]string{"ErrorModel", "ErrorDetail"} { // huma's own; ours is Problem
		delete(doc.Components.Schemas.Map(), name)
	}
	for _, schema := range doc.Components.Schemas.Map() {
		tidy(schema)
	}
	return nil
}

// operations are the calls of a path, by method.
func operations(p *huma.PathItem) map[string]*huma.Operation {
	all := map[string]*huma.Operation{
		http.MethodGet: p.Get, http.MethodPost: p.Post, http.MethodPut: p.Put, http.MethodDelete: p.Delete,
	}
	for method, op := range all {
		if op == nil {
			delete(all, method)
		}
	}
	return all
}

func (d *describer) complete(name string, op *huma.Operation) {
	doc := calls()[name]
	op.OperationID, op.Description = doc.id, doc.text
	if doc.tag != "" {
		op.Tags = []string{doc.tag}
	}
	if len(op.Security) == 0 {
		op.Security = []map[string][]string{{}} // open to everybody
	}
	delete(op.Responses, "default")
	for _, status := range d.errorsOf(op, doc) {
		if name := strconv.Itoa(status); op.Responses[name] == nil {
			op.Responses[name] = d.problem(status)
		}
	}
	if good := op.Responses["200"]; op.Method == http.MethodPut && good != nil {
		made := *good
		made.Description = "Made: there was none of this name"
		op.Responses["201"] = &made
	}
	ex := d.examples[doc.id]
	for _, media := range contentOf(op) {
		media.Example = orNothing(ex.Answer)
	}
	if op.RequestBody != nil {
		op.RequestBody.Description = "What to make or change"
		delete(op.RequestBody.Content, "application/octet-stream") // the raw bytes, which we read beside
		for _, media := range op.RequestBody.Content {
			media.Example = orNothing(ex.Request)
		}
	}
	for status, r := range op.Responses {
		d.limitHeaders(op, status, r)
	}
}

func orNothing(text json.RawMessage) any {
	if text == nil {
		return nil
	}
	return text
}

// errorsOf are the statuses by which a call can be refused. Any call may besides be answered 500, by mistake.
func (d *describer) errorsOf(op *huma.Operation, doc callDoc) []int {
	all := append(slices.Clone(doc.errors), http.StatusServiceUnavailable)
	if isSecret(op) {
		all = append(all, http.StatusUnauthorized, http.StatusTooManyRequests)
	}
	if op.RequestBody != nil {
		all = append(all, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	// What huma does not serve has no default status and is checked by nobody.
	if op.RequestBody != nil || len(op.Parameters) > 0 && op.DefaultStatus != 0 {
		all = append(all, http.StatusUnprocessableEntity)
	}
	return all
}

func isSecret(op *huma.Operation) bool {
	return slices.ContainsFunc(op.Security, func(s map[string][]string) bool { _, ok := s["secret_key"]; return ok })
}

func (d *describer) problem(status int) *huma.Response {
	r := &huma.Response{Description: meaning(status), Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: d.problems, Example: exampleProblem(status)},
	}}
	if status == http.StatusServiceUnavailable {
		r.Headers = map[string]*huma.Param{"Retry-After": retryHeader()}
	}
	return r
}

// limitHeaders says which answers tell how the caller stands.
func (d *describer) limitHeaders(op *huma.Operation, status string, r *huma.Response) {
	limited := op.Responses[strconv.Itoa(http.StatusTooManyRequests)] != nil
	if !limited || status != strconv.Itoa(http.StatusTooManyRequests) && status[0] != '2' {
		return
	}
	if r.Headers == nil {
		r.Headers = make(map[string]*huma.Param)
	}
	r.Headers["RateLimit-Policy"] = &huma.Param{Description: "The policy: its quota q within w seconds", Schema: &huma.Schema{Type: huma.TypeString}, Example: `"requests";q=6000;w=60`}
	r.Headers["RateLimit"] = &huma.Param{Description: "What is left of it: r calls; the whole quota is there again in t seconds", Schema: &huma.Schema{Type: huma.TypeString}, Example: `"requests";r=5999;t=1`}
	if status[0] == '4' {
		r.Headers["Retry-After"] = retryHeader()
	}
}

func retryHeader() *huma.Param {
	return &huma.Param{Description: "Seconds to wait", Schema: &huma.Schema{Type: huma.TypeInteger}}
}

// contentOf are the bodies of a call's good answers.
func contentOf(op *huma.Operation) (all []*huma.MediaType) {
	for status, r := range op.Responses {
		if status[0] != '2' {
			continue
		}
		for _, media := range r.Content {
			if media.Schema != nil && media.Schema.Type != huma.TypeString {
				all = append(all, media)
			}
		}
	}
	return all
}

// tidy completes what huma leaves out of a schema.
func tidy(s *huma.Schema) {
	for name, p := range s.Properties {
		if p.Type == huma.TypeInteger && p.Format == "int64" && strings.Contains(name, "amount") && p.Minimum == nil {
			zero := 0.0
			p.Minimum = &zero
		}
	}
}

func meaning(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "The body is not JSON"
	case http.StatusUnauthorized:
		return "No merchant has this key"
	case http.StatusForbidden:
		return "Pages of this origin may not call"
	case http.StatusNotFound:
		return "There is nothing of this name, or it is another merchant's"
	case http.StatusConflict:
		return "The state of things forbids it; code says what"
	case http.StatusPreconditionFailed:
		return "It has changed since it was read"
	case http.StatusRequestEntityTooLarge:
		return "The body is over 64 KiB"
	case http.StatusUnsupportedMediaType:
		return "The body is not application/json"
	case http.StatusUnprocessableEntity:
		return "Something in the request must be mended; errors names the fields"
	case http.StatusTooManyRequests:
		return "Too many calls; wait as long as Retry-After says"
	case http.StatusBadGateway:
		return "WeChat Pay gave no usable answer; ask again with the same Idempotency-Key"
	case http.StatusServiceUnavailable:
		return "There is too much to do at the moment, and nothing was done; ask again after as long as Retry-After says"
	}
	return http.StatusText(status)
}

// exampleProblem is what a refusal looks like.
func exampleProblem(status int) any {
	p := map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": meaning(status),
		"code": exampleCode(status), "request_id": "7F3KQ2M5R8T4V6X9Z2B5D8G3H6",
	}
	if status == http.StatusUnprocessableEntity {
		p["errors"] = []any{map[string]any{"field": "amount", "message": "must be from 1 to 1000000000 fen"}}
	}
	return p
}

func exampleCode(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "unauthorized"
	case http.StatusForbidden:
		return "origin_not_allowed"
	case http.StatusConflict:
		return "conflict"
	case http.StatusPreconditionFailed:
		return "changed_meanwhile"
	case http.StatusTooManyRequests:
		return "too_many_requests"
	case http.StatusBadGateway:
		return "wechat_pay_trouble"
	case http.StatusServiceUnavailable:
		return "overloaded"
	}
	return codeOfStatus(status)
}
