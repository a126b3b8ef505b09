package server

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsHTML string

//go:embed docs.css
var docsCSS string

// A docsPage is the API document as people read it.
type docsPage struct {
	Title    string
	Style    template.CSS
	Sections []docsSection
	Chapters []docsChapter
}

type docsSection struct{ Heading, Text string }

type docsChapter struct {
	Name, Text string
	Calls      []docsCall
}

type docsCall struct {
	ID, Method, Path, Summary, Text string
	Secret                          bool
	Params, Body, Answer            []docsField
	Curl, Status, Example           string
	Errors                          []docsError
}

type docsField struct {
	Name, Type, Text string
	Required         bool
}

type docsError struct {
	Status int
	Text   string
}

// docs serves the API document for people, painted once, when it is first read: no script and nothing of another origin.
func (s *Server) docs(doc *huma.OpenAPI) http.HandlerFunc {
	style := strings.TrimSpace(docsCSS)
	painted := sync.OnceValues(func() ([]byte, error) { return paintDocs(doc, style) })
	sum := sha256.Sum256([]byte(style))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return func(w http.ResponseWriter, r *http.Request) {
		page, err := painted()
		if err != nil {
			s.pageProblem(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", evergreen)
		h.Set("Referrer-Policy", "no-referrer")
		s.pages.send(w, r, page)
	}
}

func paintDocs(doc *huma.OpenAPI, style string) ([]byte, error) {
	t, err := template.New("docs").Parse(docsHTML)
	if err != nil {
		return nil, fmt.Errorf("read the page of the API document: %w", err)
	}
	page := docsPage{Title: doc.Info.Title, Style: template.CSS(style), Sections: sections(doc.Info.Description)}
	d := docsWriter{doc}
	for _, tag := range doc.Tags {
		page.Chapters = append(page.Chapters, docsChapter{tag.Name, tag.Description, d.calls(tag.Name)})
	}
	var b bytes.Buffer
	if err := t.Execute(&b, page); err != nil {
		return nil, fmt.Errorf("paint the API document: %w", err)
	}
	return b.Bytes(), nil
}

// sections takes the introduction apart: a heading and its text, with empty lines between.
func sections(introduction string) (all []docsSection) {
	for part := range strings.SplitSeq(introduction, "\n\n") {
		heading, text, _ := strings.Cut(part, "\n")
		all = append(all, docsSection{heading, text})
	}
	return all
}

type docsWriter struct{ doc *huma.OpenAPI }

// calls are those of a chapter: a noun's collection first, and what belongs to one of it after that.
func (d docsWriter) calls(tag string) (all []docsCall) {
	for path, item := range d.doc.Paths {
		for method, op := range operations(item) {
			if slices.Contains(op.Tags, tag) {
				all = append(all, d.call(method, path, op))
			}
		}
	}
	order := []string{http.MethodPost, http.MethodPut, http.MethodGet, http.MethodDelete}
	slices.SortFunc(all, func(a, b docsCall) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return slices.Index(order, a.Method) - slices.Index(order, b.Method)
	})
	return all
}

func (d docsWriter) call(method, path string, op *huma.Operation) docsCall {
	c := docsCall{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Text: op.Description, Secret: isSecret(op)}
	for _, p := range op.Parameters {
		name := p.Name
		if p.In == "header" {
			name += ":"
		}
		if p.In == "header" && p.Name == "Origin" {
			continue // browsers send it by themselves
		}
		f := d.field(name, p.Schema, p.Required)
		f.Text = sentences(p.Description, bounds(p.Schema))
		c.Params = append(c.Params, f)
	}
	var request any
	if op.RequestBody != nil {
		media := op.RequestBody.Content["application/json"]
		c.Body, request = d.fields("", media.Schema), media.Example
	}
	for status, r := range op.Responses {
		n, _ := strconv.Atoi(status)
		if n >= http.StatusBadRequest {
			c.Errors = append(c.Errors, docsError{n, r.Description})
			continue
		}
		if c.Status == "" || status < c.Status {
			c.Status = status
		}
		if media := r.Content["application/json"]; media != nil {
			c.Answer, c.Example = d.fields("", media.Schema), pretty(media.Example)
		}
	}
	slices.SortFunc(c.Errors, func(a, b docsError) int { return a.Status - b.Status })
	c.Curl = d.curl(method, path, op, request)
	return c
}

// fields flattens a schema: items[].sku, metadata{}.
func (d docsWriter) fields(prefix string, schema *huma.Schema) (all []docsField) {
	s := d.resolve(schema)
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if x, y := slices.Contains(s.Required, a), slices.Contains(s.Required, b); x != y && len(s.Required) < len(names) {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		p := s.Properties[name]
		all = append(all, d.field(prefix+name, p, slices.Contains(s.Required, name)))
		inner := d.resolve(p)
		switch {
		case inner.Items != nil:
			all = append(all, d.fields(prefix+name+"[].", inner.Items)...)
		case len(inner.Properties) > 0:
			all = append(all, d.fields(prefix+name+".", inner)...)
		}
	}
	return all
}

func (d docsWriter) field(name string, schema *huma.Schema, required bool) docsField {
	s := d.resolve(schema)
	kind := s.Type
	if s.Format != "" && kind == huma.TypeString {
		kind = s.Format
	}
	if s.Nullable {
		kind += " or null"
	}
	return docsField{Name: name, Type: kind, Text: sentences(schema.Description, bounds(s)), Required: required}
}

func (d docsWriter) resolve(s *huma.Schema) *huma.Schema {
	if s.Ref != "" {
		return d.doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

func sentences(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return strings.TrimSuffix(first, ".") + ". " + second
}

// bounds says what a value may be.
func bounds(s *huma.Schema) string {
	var parts []string
	if len(s.Enum) > 1 {
		parts = append(parts, "One of "+strings.Trim(fmt.Sprint(s.Enum), "[]")+".")
	}
	if s.Maximum != nil {
		low := 0.0
		if s.Minimum != nil {
			low = *s.Minimum
		}
		parts = append(parts, fmt.Sprintf("From %.0f to %.0f.", low, *s.Maximum))
	}
	if s.MaxLength != nil {
		parts = append(parts, fmt.Sprintf("At most %d characters.", *s.MaxLength))
	}
	if s.Default != nil {
		parts = append(parts, fmt.Sprintf("%v when absent.", s.Default))
	}
	return strings.Join(parts, " ")
}

// curl is the call as it is typed into a terminal.
func (d docsWriter) curl(method, path string, op *huma.Operation, request any) string {
	address := d.doc.Servers[0].URL + exampleOf(path)
	if strings.HasSuffix(path, "/live") {
		return "websocat --protocol saoma.v1 " + strings.Replace(address, "http", "ws", 1)
	}
	lines := []string{"curl " + address}
	if method != http.MethodGet && (method != http.MethodPost || request == nil) {
		lines[0] = "curl -X " + method + " " + address
	}
	if isSecret(op) {
		lines = append(lines, `-H "Authorization: Bearer $SAOMA_SECRET_KEY"`)
	}
	for _, p := range op.Parameters {
		if p.Name == "Idempotency-Key" {
			lines = append(lines, `-H "Idempotency-Key: $(uuidgen)"`)
		}
		if p.Name == "Origin" && request != nil {
			lines = append(lines, `-H "Origin: https://shop.example"`)
		}
	}
	if request != nil {
		if method == http.MethodPut {
			lines[0] = "curl -X PUT " + address
		}
		lines = append(lines, `-H "Content-Type: application/json"`, `-d '`+pretty(request)+`'`)
	}
	return strings.Join(lines, " \\\n  ")
}

// exampleOf fills the names in a path.
func exampleOf(path string) string {
	id := "ord_01KAR3V8Q4M7N2P5R8T0V3X6Z9"
	switch {
	case strings.Contains(path, "/refunds/{id}"):
		id = "01KAR4B2C5D8F1G4H7J0K3M6N9"
	case strings.Contains(path, "/deliveries/"):
		id = "msg_01KAR3X1A4C7E0G3J6M9P2R5T8"
	}
	return strings.NewReplacer("{token}", "QW3E5RTY7UIOP2ASDF4GHJ6KLZ", "{id}", id, "{sku}", "latte", "{date}", "2026-11-22",
		"{merchant}", "cafe").Replace(path)
}

func pretty(v any) string {
	if v == nil {
		return ""
	}
	text, _ := v.(json.RawMessage)
	var b bytes.Buffer
	_ = json.Indent(&b, text, "", "  ") // it was read as JSON
	return b.String()
}
