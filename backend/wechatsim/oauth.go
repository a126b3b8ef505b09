package wechatsim

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// codeOfLoginLife is how long the code of a silent redirect can be exchanged.
const codeOfLoginLife = 5 * time.Minute

// logins are WeChat's accounts as official accounts (公众号) see them. Server.mu guards them.
type logins struct {
	payer    string            // whose WeChat opens pages
	accounts map[string]string // payers by openid, of all that this WeChat knows
	codes    map[string]login
}

// A login is what a code stands for, until it is exchanged.
type login struct {
	payer string
	appID string // of the official account whose page asked
	until time.Time
}

// LogIn makes payer the one whose WeChat opens pages from now on, and gives the openid that the merchant's official
// account sees. "" is DefaultPayer, who is logged in at the start.
func (s *Server) LogIn(payer string) (openid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logIn(payer)
}

// OpenIDOf is the openid of a payer, "" being DefaultPayer, under the appid of one of the merchant's official accounts.
func (s *Server) OpenIDOf(appID, payer string) string {
	return openID(appID, cmp.Or(payer, DefaultPayer))
}

func (s *Server) logIn(payer string) (openid string) {
	if payer == "" {
		payer = DefaultPayer
	}
	if s.accounts == nil {
		s.accounts, s.codes = map[string]string{}, map[string]login{}
	}
	openid = openID(s.merchant.AppID, payer)
	s.payer, s.accounts[openid] = payer, payer
	for _, x := range s.merchant.SubMerchants {
		s.accounts[openID(x.AppID, payer)] = payer
	}
	return openid
}

// registered says whether a host is one that the merchant has registered.
func (s *Server) registered(host string) bool {
	return host != "" && (s.domains == nil || slices.Contains(s.domains, host))
}

// silentLogin is the silent redirect (snsapi_base) of open.weixin.qq.com: back to the merchant's page, with a code.
func (s *Server) silentLogin(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	to, err := url.Parse(q.Get("redirect_uri"))
	wrong := ""
	_, known := s.merchant.secretOf(q.Get("appid"))
	switch {
	case !inWeChat(r):
		wrong = "请在微信客户端打开链接"
	case !inOrder(r.URL.RawQuery, "appid", "redirect_uri", "response_type", "scope", "state"):
		wrong = "参数错误：参数缺失、多余或顺序不对"
	case !known:
		wrong = "appid参数错误"
	case q.Get("response_type") != "code":
		wrong = "response_type参数错误"
	case q.Get("scope") != "snsapi_base":
		wrong = "scope参数错误或没有scope权限"
	case len(q.Get("state")) > 128 || strings.Trim(q.Get("state"), alphanumeric) != "":
		wrong = "state参数错误：最多128个字母和数字"
	case err != nil || to.Scheme != "https" && to.Scheme != "http" || !s.registered(to.Host):
		wrong = "redirect_uri域名与后台配置不一致"
	}
	if wrong != "" {
		s.showTrouble(w, http.StatusBadRequest, wrong)
		return
	}
	back := to.Query()
	back.Set("code", s.newLogin(q.Get("appid")))
	back.Set("state", q.Get("state"))
	to.RawQuery = back.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// inOrder says whether a query has exactly these parameters in this order, as the page about it demands.
func inOrder(query string, names ...string) bool {
	var got []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		got = append(got, name)
	}
	return slices.Equal(got, names)
}

func inWeChat(r *http.Request) bool { return strings.Contains(r.UserAgent(), "MicroMessenger") }

func (s *Server) newLogin(appID string) (code string) {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	code = randomOf(alphanumeric, 32)
	s.codes[code] = login{s.payer, appID, now.Add(codeOfLoginLife)}
	return code
}

// accessToken exchanges a code for the customer's openid, once. It answers 200 whatever happens, as api.weixin.qq.com
// does; the numbers of its errors are not in WeChat Pay's documents but widely known.
func (s *Server) accessToken(w http.ResponseWriter, r *http.Request) {
	fault := s.callFault(endpoint{faults: func(f *Faults) *CallFaults { return &f.AccessToken }})
	var answer any
	if !fault.undone {
		answer = s.exchange(r.URL.Query())
	}
	switch {
	case fault.hangs:
		s.hang(w, r)
	case fault.answer != nil:
		w.WriteHeader(fault.answer.status)
	default:
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(encode(answer)) // the client has gone: there is no one to tell
	}
}

func (s *Server) exchange(q url.Values) any {
	type trouble struct {
		Code    int    `json:"errcode"`
		Message string `json:"errmsg"`
	}
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, known := s.merchant.secretOf(q.Get("appid"))
	switch {
	case !known:
		return trouble{40013, "invalid appid"}
	case q.Get("secret") != secret:
		return trouble{40125, "invalid appsecret"}
	case q.Get("grant_type") != "authorization_code":
		return trouble{40002, "invalid grant_type"}
	}
	found, ok := s.codes[q.Get("code")]
	if !ok || found.appID != q.Get("appid") || !now.Before(found.until) {
		return trouble{40029, "invalid code"}
	}
	if found.payer == "" {
		return trouble{40163, "code been used"}
	}
	s.codes[q.Get("code")] = login{appID: found.appID, until: found.until}
	return struct {
		AccessToken  string `json:"access_token"`
		ExpiresIn    int    `json:"expires_in"` // seconds
		RefreshToken string `json:"refresh_token"`
		OpenID       string `json:"openid"`
		Scope        string `json:"scope"`
	}{randomOf(alphanumeric, 110), 7200, randomOf(alphanumeric, 110), openID(found.appID, found.payer), "snsapi_base"}
}
