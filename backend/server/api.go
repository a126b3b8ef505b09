package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"saoma/backend/pay"
)

// newAPI describes the JSON calls. Fields that a call does not name are refused.
func (s *Server) newAPI(mux humago.Mux) huma.API {
	return humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    info(),
			Servers: []*huma.Server{{URL: s.PublicURL}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"secret_key": {Type: "http", Scheme: "bearer", Description: "The merchant's secret key"},
				},
			},
		},
		OpenAPIPath:                  "/openapi",
		Formats:                      huma.DefaultFormats,
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{toProblem},
	})
}

func get(path, summary string) huma.Operation {
	return operation(http.MethodGet, path, http.StatusOK, summary)
}

func post(path string, status int, summary string) huma.Operation {
	return operation(http.MethodPost, path, status, summary)
}

func put(path string, status int, summary string) huma.Operation {
	return operation(http.MethodPut, path, status, summary)
}

func remove(path, summary string) huma.Operation {
	return operation(http.MethodDelete, path, http.StatusNoContent, summary)
}

func operation(method, path string, status int, summary string) huma.Operation {
	words := strings.FieldsFunc(strings.ToLower(method)+path, func(r rune) bool { return strings.ContainsRune("/{}", r) })
	id := strings.Join(words, "-")
	if doc, ok := calls()[method+" "+path]; ok {
		id = doc.id
	}
	return huma.Operation{
		OperationID:   id,
		Method:        method,
		Path:          path,
		Summary:       summary,
		DefaultStatus: status,
		MaxBodyBytes:  bodyMax,
	}
}

// handle registers a call. Whatever error it returns becomes a problem and, if it is ours to mend, a line
// in the log; nothing internal reaches the caller.
func handle[I, O any](s *Server, api huma.API, op huma.Operation, call func(context.Context, *I) (*O, error)) {
	op.Responses = map[string]*huma.Response{"default": {}} // describe puts those that there are in its place
	huma.Register(api, s.withCaller(op), func(ctx context.Context, in *I) (*O, error) {
		// Only now, when the body has come: who sends it slowly must hold up nobody else.
		leave, err := enter(ctx)
		if err != nil {
			return nil, s.problem(ctx, op.OperationID, err)
		}
		defer leave()
		out, err := call(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, op.OperationID, err)
		}
		return out, nil
	})
}

type merchantKey struct{}

// secret lets only merchants' servers in. It stands before all decoding, so that a stranger learns nothing.
func (s *Server) secret(op huma.Operation) huma.Operation {
	op.Security = []map[string][]string{{"secret_key": {}}}
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		key, ok := strings.CutPrefix(ctx.Header("Authorization"), "Bearer ")
		m, err := s.Cashier.Authenticate(ctx.Context(), key)
		switch {
		case !ok, pay.CodeOf(err) == pay.Unauthorized:
			ctx.SetHeader("WWW-Authenticate", `Bearer realm="saoma"`)
			err = s.unauthorized(ctx.Context(), "send Authorization: Bearer and the merchant's secret key")
		case err == nil:
			err = s.limit(ctx.Context(), limitRequests, string(m.ID), cmp.Or(m.Limits.Requests, pay.RequestsDefault))
		}
		if err != nil {
			r, w := humago.Unwrap(ctx)
			writeProblem(w, s.problem(r.Context(), op.OperationID, err))
			return
		}
		next(huma.WithValue(ctx, merchantKey{}, m))
	})
	return op
}

// merchant returns whom secret let in.
func merchant(ctx context.Context) pay.Merchant {
	m, _ := ctx.Value(merchantKey{}).(pay.Merchant)
	return m
}

// withCORS lets pages of the merchants' origins call what is for browsers. Which merchant a request is
// about is only known later; the calls themselves refuse an origin that is not that merchant's.
func (s *Server) withCORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if !strings.HasPrefix(r.URL.Path, "/v1/checkouts") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Add("Vary", "Origin")
		if origin != "" && s.Cashier.Merchants.AnyAllows(origin) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", "X-Request-Id, RateLimit, RateLimit-Policy, Retry-After")
		}
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
			w.Header().Set("Access-Control-Allow-Headers", "Content-Type, Idempotency-Key")
			w.Header().Set("Access-Control-Max-Age", "7200") // seconds; the most that browsers keep
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkOrigin refuses a browser's request from a page that is neither ours nor the merchant's.
func (s *Server) checkOrigin(m pay.Merchant, origin string) error {
	if origin == "" || origin == s.PublicURL || m.Allows(origin) {
		return nil
	}
	return &problem{Status: http.StatusForbidden, Code: "origin_not_allowed",
		Detail: "pages of " + clean(origin) + " may not use this merchant's checkout; the merchant lists its origins"}
}

type requestIDKey struct{}

var plainID = regexp.MustCompile(`^[0-9A-Za-z._-]{8,64}$`)

// withRequestID names every request, by the name it came with if that is plain, for logs and answers.
func (s *Server) withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !plainID.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
