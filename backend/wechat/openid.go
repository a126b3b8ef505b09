package wechat

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"saoma/backend/pay"
)

const (
	// stateLife is how long a customer may take for the silent redirect: as long as its code lives.
	stateLife = 5 * time.Minute

	// stateMax is WeChat's bound, in characters, all of them letters and digits.
	stateMax = 128

	openIDAnswerMax = 16 << 10 // bytes; an answer has some hundred
)

var (
	// ErrState is returned, wrapped, when the redirect that came back is not one that we began for the subject.
	ErrState = errors.New("the state is not ours, not of this subject, or too old")

	errNoSecret = errors.New("the merchant has no app_secret")
)

// AuthorizeURL returns where a browser inside WeChat goes to come back to redirectURI with a code that stands for the
// customer's openid (snsapi_base: the customer is not asked), and with a state that only this subject's redirect has.
func (g *Gateway) AuthorizeURL(m pay.MerchantID, redirectURI, subject string) (string, error) {
	a := g.account(m)
	if a == nil || a.AppSecret == "" {
		return "", errNoSecret
	}
	// In this order, and with the fragment: the page about it insists.
	return a.OpenURL + "/connect/oauth2/authorize?appid=" + url.QueryEscape(a.pageAppID()) +
		"&redirect_uri=" + url.QueryEscape(redirectURI) + "&response_type=code&scope=snsapi_base&state=" +
		a.state(subject, time.Now()) + "#wechat_redirect", nil
}

// state is the end of its life and a signature over that and the subject. Nothing is kept for it, so that any server
// can take the redirect that another one began, without cookies. It is no use twice: the code beside it is taken once.
func (a *account) state(subject string, now time.Time) string {
	end := strconv.FormatInt(now.Add(stateLife).Unix(), 36)
	return end + "x" + a.stateSum(end, subject)
}

func (a *account) stateSum(end, subject string) string {
	// The key is of this use only, and the same on all servers.
	mac := hmac.New(sha256.New, []byte("saoma oauth state\n"+a.AppSecret))
	mac.Write([]byte(end + "\n" + subject))
	return hex.EncodeToString(mac.Sum(nil)[:20])
}

func (a *account) checkState(state, subject string, now time.Time) error {
	const sum = 40
	if len(state) < sum+2 || len(state) > stateMax {
		return ErrState
	}
	end := state[:len(state)-sum-1]
	if !hmac.Equal([]byte(state), []byte(end+"x"+a.stateSum(end, subject))) {
		return ErrState
	}
	if seconds, err := strconv.ParseInt(end, 36, 64); err != nil || !now.Before(time.Unix(seconds, 0)) {
		return ErrState
	}
	return nil
}

var openIDForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)

// OpenID exchanges the code of a redirect that came back for the customer's openid. WeChat takes a code once, so the
// call is not repeated. Its errors hold neither the code, the secret nor the openid.
func (g *Gateway) OpenID(ctx context.Context, m pay.MerchantID, subject, code, state string) (string, error) {
	const op = "openid"
	a := g.account(m)
	if a == nil || a.AppSecret == "" {
		return "", errNoSecret
	}
	if err := a.checkState(state, subject, time.Now()); err != nil {
		return "", fmt.Errorf("wechat %s: %w", op, err)
	}
	began := time.Now()
	openid, failed := a.exchangeCode(ctx, code)
	g.called(op, resultOf(failed), time.Since(began))
	if failed != nil {
		failed.Op = op
		return "", failed
	}
	return openid, nil
}

// exchangeCode asks WeChat for the openid behind a code.
func (a *account) exchangeCode(ctx context.Context, code string) (string, *pay.GatewayError) {
	ctx, cancel := context.WithTimeout(ctx, pay.CallLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.OAuthURL+"/sns/oauth2/access_token?"+url.Values{
		"appid": {a.pageAppID()}, "secret": {a.AppSecret}, "code": {code}, "grant_type": {"authorization_code"},
	}.Encode(), nil)
	if err != nil {
		return "", &pay.GatewayError{Err: errors.New("the request cannot be made")}
	}
	response, err := a.plain.Do(request)
	if err != nil {
		return "", &pay.GatewayError{Err: unanswered(ctx, err)} // without the address, which holds the secret
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, openIDAnswerMax))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return "", &pay.GatewayError{Status: response.StatusCode, Err: unanswered(ctx, err)}
	}
	return readOpenID(response.StatusCode, body)
}

// readOpenID reads an answer, which is unsigned and has status 200 also when it is a refusal.
func readOpenID(status int, body []byte) (string, *pay.GatewayError) {
	var answer struct {
		OpenID  string `json:"openid"`
		Code    int    `json:"errcode"`
		Message string `json:"errmsg"`
	}
	e := &pay.GatewayError{Status: status}
	switch err := json.Unmarshal(body, &answer); {
	case status != http.StatusOK:
		e.Err = errors.New("wanted 200")
	case err != nil:
		e.Err = errors.New("the answer is not JSON")
	case answer.Code != 0 || !openIDForm.MatchString(answer.OpenID):
		e.Outcome, e.Code = pay.Refused, strconv.Itoa(answer.Code)
		e.Err = errors.New("no openid: " + oneLine(strings.TrimSpace(answer.Message)))
	default:
		return answer.OpenID, nil
	}
	return "", e
}
