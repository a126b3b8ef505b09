package wechatsim

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// maxBody bounds a request's body in bytes; the largest documented one, with 6144 bytes of detail, is far below.
const maxBody = 64 << 10

// An endpoint is one call of the API.
type endpoint struct {
	method string
	query  []string                     // the query parameters it knows
	faults func(*Faults) *CallFaults    // which faults strike it; nil: none
	work   func(c call) (result, error) // does it
}

// A call is a request that passed the checks common to all endpoints.
type call struct {
	*http.Request
	body         []byte
	now          time.Time
	customerPays bool // by a fault: the customer pays while this call is under way
}

// A result is the body of a 2xx answer; nil is a 204.
type result any

// serve checks a request, meets the fault that is set for it, works, and answers.
func (s *Server) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != e.method {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		c, err := s.admit(e, r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		fault := s.callFault(e)
		c.customerPays = fault.customerPays
		var done result
		if !fault.undone {
			done, err = e.work(c)
		}
		switch {
		case fault.hangs:
			s.hang(w, r)
			return
		case fault.answer != nil:
			err = fault.answer
		case err == nil:
			err = s.grant(w, r, done, fault.spoil)
		}
		if err != nil {
			s.refuse(w, r, err)
		}
	})
}

// admit makes the checks that every endpoint has in common.
func (s *Server) admit(e endpoint, r *http.Request) (call, error) {
	if r.Header.Get("Accept") == "" || r.Header.Get("User-Agent") == "" {
		return call{}, invalidRequest("Http头缺少Accept或User-Agent")
	}
	body, err := readBody(r)
	if err != nil {
		return call{}, err
	}
	now := s.clock()
	if err := s.authorize(r, body, now); err != nil {
		return call{}, err
	}
	if err := checkQuery(r.URL, e.query); err != nil {
		return call{}, err
	}
	return call{Request: r, body: body, now: now}, nil
}

// readBody reads to the end also because net/http reports a client that gave up only after that.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, invalidRequest("请求报文读取失败")
	}
	if len(body) > maxBody {
		return nil, invalidRequest(fmt.Sprintf("请求报文超过 %d 字节", maxBody))
	}
	return body, nil
}

func checkQuery(u *url.URL, known []string) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return invalidRequest("URL查询参数格式错误")
	}
	for name, values := range query {
		if !slices.Contains(known, name) {
			return wrongParameter(numberUndefined, detail{Field: "/" + name, Value: values[0], Issue: issueUndefined,
				Location: "query"})
		}
	}
	return nil
}

// checkMchID holds the merchant that signed against the one that the request names.
func (s *Server) checkMchID(name, mchID, location string) error {
	if mchID == s.merchant.MchID {
		return nil
	}
	d := detail{Field: "/" + name, Value: mchID, Issue: "与Http头Authorization中的mchid不一致", Location: location}
	if mchID == "" {
		d.Value, d.Issue = nil, issueMissing
	}
	return wrongParameter(numberParameter, d)
}

// hang leaves the client waiting until it gives up.
func (s *Server) hang(w http.ResponseWriter, r *http.Request) {
	s.log.Info("hangs", "method", r.Method, "path", r.URL.Path)
	select {
	case <-r.Context().Done():
	case <-s.life.Done():
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func orderNotExist() error {
	return &refusal{status: http.StatusNotFound, number: numberNotExist, Code: "ORDER_NOT_EXIST", Message: "订单不存在"}
}

func systemError() *refusal {
	return &refusal{status: http.StatusInternalServerError, number: numberNotPublished, Code: "SYSTEM_ERROR",
		Message: "系统异常，请用相同参数重新调用"}
}
