package wechatsim

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"testing"
)

// The vectors are those printed on WeChat Pay's own pages about signing requests and verifying answers; the third
// request and the sealed text were made with other programs than this one. They hold public keys only.
const (
	requestKey = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAptpm+qvIDCh/9wjU26SQ
CK26ogYkBhDrYxnAaw2JbbBsp1oDbHKk+1r381NeBUG2HEFAuU+Fr72u5ot3yKdz
oF/FajAzQNKnm569/D3upKoi8mYBaST15Uig8j8qoUW1U217LL0jEHlSnHV3lcaD
TXqDpTRR4Bfz9IqOgJgFZ8/oTfEomSrjrLYef81Eyxr7ZIMQXEKKEK7V4UXKS0+/
fDsiG/cXidhzt8UbTL9vqXqxM2+IDImyO+FAc/tkBG55LmzxPto1Nq0WbnZzRM/w
Tzrd0I/8NlevxtFbphg4evlHjFNI7+GrqR87ViEwuAJJ9Je5QQjct5YJfFRWiZ5C
MQIDAQAB
-----END PUBLIC KEY-----`
	answerKey = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwXNI6sdlknHBnK8Fu2U6
Cwor9qY747jP8KAfeBMeveEt1TqaHkLfaSD07trZLhGpfs8/AHqjhgSMO1O10YQW
OrrJ4hjIWPKqxbgrYMkBQc+mwdiWp4W3ByCqxBRagCveCXRWCmuJYovl9H/bsDI0
iGbpVtEOghJtfciisYSgxcLufUDTRkvwxjIBK1pCRjk33jJ5YTBWTHMRtMAOcFLN
F6hdEYdX8SPsgHHeLZ5Lv2T/686w1xtgCHef/sd4uSfWmyzsalQdHG/e4IyYmrhx
+O3VBoNDzE3nx23bFeV/RVNCG7cV6VhmYokJNHa/erIPkEmEFID6A5wQOXuxUkmJ
WwIDAQAB
-----END PUBLIC KEY-----`
)

func publicKey(t *testing.T, text string) *rsa.PublicKey {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PublicKey)
}

func TestRequestMessage(t *testing.T) {
	t.Parallel()
	vectors := []struct{ name, method, target, body, sum, signature string }{
		{"body", "POST", "/v3/pay/transactions/jsapi",
			`{"appid":"wxd678efh567hg6787","mchid":"1900007291","description":"Image形象店-深圳腾大-QQ公仔",` +
				`"out_trade_no":"1217752501201407033233368018",` +
				`"notify_url":"https://www.weixin.qq.com/wxpay/pay.php",` +
				`"amount":{"total":100,"currency":"CNY"},"payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}`,
			"87a9f84cd9b4bdb78ec4dbe4595c8c8bf04d3e79a6765b2100741d1a473d37af",
			`jnks4dlrPw3ZX+ozVvSK39oa0t7OMBsg83BHAwd8BRdUFiVaQNTLTvci+wURgP1OQBbKYhFGvt7iqYpDSTQkp7Uq1sltaQKyncCyrA1g88m5bsKERQfPyT0ahSwKTYJ1CAn9QiJuSJRq1QsQs07eehbU/k9BCS51jTyc1Jpsi2H77HF9f/BnjXAOP3/sPObg6V5Ee4EzwLox684hhuMuIwHo7D8KFk3LIHOKDcNI4It1aCXydFWNpNK+SG86VUDe5kwoDpw4Ulqfu9z8OFDGbDs9TCxEv8iqQzbpxOlEVoOe2kalSYM5kApQb3nZcxdUtoE0liJGW3RGUNE0t4v01A==`},
		{"no body", "GET", "/v3/refund/domestic/refunds/123123123123", "",
			"c65a830c3a6f61f3312ff204f6e4fda6397078cb96775237273c1d0f8da02dcd",
			`Lc9VXxmeonkdV8Xk9tmigQFLhl0vRWTerdmoRu01aAnYwIrD/5nsSwE1WlmZGLRlAFTNQ3QsMa0+VRDlJp1Wp5p0nO8EK68b5sJBbjouxaFciIfq1zfDWWz+jqhcMoKXI1A6dPm1AW7D4d30WsMTNzp6g23OXakIsh9LO3lUmwvTuE0BY8ncf6tNGk4wKmvXwERd/ZpoQY3MAVKz+Nakwc+2XBmzT66KcUehU5kr4IvGa/lEU5RZb/q00zP9VLdBhC/jQSX3X1UcJLCtEc4gTmib4tnmAT+bHF/e17ZAuxDNcx6rqT8gNEXqaJGG+1OflMSTU2tpyG65G4dMKdFcoA==`},
		{"escapes", "GET", "/v3/pay/transactions/out-trade-no/ORDER%7C0001?mchid=1900007291", "",
			"5301e8a4d203ad5a2cb7b90f7fc3fda07df62f8b697d1dd83b073acad69e37ac",
			`h8P6AwZDqZ2X0MeHxW/hBxkG7y7VxARllzRbzvtsJhxVMEDvYGZwYdUMcNo8zlCBreTJe7xH+HzswDEW/JpVKw00UTAXP4GSz+9t8Hvt2/1barZOZeUDuc+m9mWULaL6ph9or3P/fkn9/bC3byilbBR69LwSfBzjpjQMfe72PmEKv/JR1OfLGd7UcZcKcggksw5+lpiwxuvt/IdNmp4f1nKk9YEnv0PE4oqn20IbDBjw/EoHBqRzl8m1fw9fC61yeoDP8/YNJByn0pJX2S0N/QTDr7chlsYEyLgH9rwHKMaN+22tMQNaytXGJWO5Vziq3VpELIdFxGegQFg2CmSufw==`},
	}
	key := publicKey(t, requestKey)
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(v.method, v.target, strings.NewReader(v.body))
			message := requestMessage(v.method, target(r), "1554208460", "593BEC0C930BF1AFEB40B4A08C8FB242",
				[]byte(v.body))
			if sum := sha256.Sum256(message); hex.EncodeToString(sum[:]) != v.sum {
				t.Errorf("message %q has SHA-256 %x, want %s", message, sum, v.sum)
			}
			if err := verify(key, message, v.signature); err != nil {
				t.Errorf("the published signature: %v", err)
			}
			if verify(key, append(message, ' '), v.signature) == nil {
				t.Error("another message verifies too")
			}
		})
	}
}

func TestAnswerMessage(t *testing.T) {
	t.Parallel()
	const signature = `mfI1CPqvBrgcXfgXMFjdNIhBf27ACE2YyeWsWV9ZI7T7RU0vHvbQpu9Z32ogzc+k8ZC5n3kz7h70eWKjgqNdKQF0eRp8mVKlmfzMLBVHbssB9jEZEDXThOX1XFqX7s7ymia1hoHQxQagPGzkdWxtlZPZ4ZPvr1RiqkgAu6Is8MZgXXrRoBKqjmSdrP1N7uxzJ/cjfSiis9FiLjuADoqmQ1P7p2N876YPAol7Rn0+GswwAwxldbdLrmVSjfytfSBJFqTMHn4itojgxSWWN1byuckQt8hSTEv/Lg97QoeGniYP17T80pJeQyL3b+295FPHSO2AtvCgyIbKMZ0BALilAA==`
	message := answerMessage("1722850421", "d824f2e086d3c1df967785d13fcd22ef",
		[]byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=JyC91EIz1"}`))
	key := publicKey(t, answerKey)
	if err := verify(key, message, signature); err != nil {
		t.Errorf("the published signature: %v", err)
	}
	probe := seals{signature: signature}
	probeSignature(&probe)
	if !strings.HasPrefix(probe.signature, "WECHATPAY/SIGNTEST/") || verify(key, message, probe.signature) == nil {
		t.Errorf("probe %q verifies or is none", probe.signature)
	}
	foreign := seals{signature: signature}
	foreignSignature(&foreign)
	if raw, err := base64.StdEncoding.DecodeString(foreign.signature); err != nil || len(raw) != 256 {
		t.Errorf("foreign signature has %d bytes: %v", len(raw), err)
	}
	if verify(key, message, foreign.signature) == nil {
		t.Error("a foreign signature verifies")
	}
}

func TestSignIsWhatVerifyChecks(t *testing.T) {
	t.Parallel()
	m, err := sharedMerchant()
	if err != nil {
		t.Fatal(err)
	}
	k, err := m.keys()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := sign(k.wechat, []byte("x\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(publicKey(t, string(m.PublicKeyPEM)), []byte("x\n"), signature); err != nil {
		t.Errorf("pub_key.pem does not verify WeChat Pay's signature: %v", err)
	}
	if verify(k.merchant, []byte("x\n"), signature) == nil {
		t.Error("the merchant's key verifies WeChat Pay's signature")
	}
}

func TestSeal(t *testing.T) {
	t.Parallel()
	const (
		plain  = `{"mchid":"1900007291","appid":"wxd678efh567hg6787","out_trade_no":"ORDER0001","transaction_id":"4200000000202601010000000001","trade_type":"NATIVE","trade_state":"SUCCESS","trade_state_desc":"支付成功","bank_type":"OTHERS","attach":"","success_time":"2026-01-01T12:00:00+08:00","payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},"amount":{"total":100,"payer_total":100,"currency":"CNY","payer_currency":"CNY"}}`
		sealed = `ToVe8+WbzCSy3w23DaXKn4NabCtD3ZFdfZqgXGnhCiCkfmnysVMdSp2a/mtpZmkttjyXy6zQXc38rqx+eNWRBKe6/TxhTlQNhs8hgYqbMW3xJCDyhiGkYk60//k8IePwjS/Mg84U+RKQg2Lg/mj9RvjQWxg2C33GGJdySOTeaKwpwuSfbZ2wgrlD+Y9iiyq4owNZMEfYErAVvkXtsWV3UilaoW7uVdkomla7zzuBwvQfrbjh2eTBxTwrHcTT1oC9mKdN/RYf0udNHCHeY0KbjD4bKsvWntd1tgDdcZUrXWXtx28YC+iSv1U53oC1yWkMck/LCy4wfVXW/iGKFVNOOuN2Pcz+2KVKUWzoexes64YooljMkY1bdUOrp+fZp6sJRHtoPiHvH0wb4vZ9lbLhn0Yo/7AbX3x25y3nozfD/yR1pAA2b0bnKckA5Nro82ScvljMzgXqd0ndCTN6j0Q83AxEo2k8UFBHu5dEW63o6cISsznzg1X7OfBSEJC/AW7x1kkK6EMQjNfmqpXecDJ3jiKnYg541zcvU0bgDf9nUE9vKaU01Q13Xya5RI2e`
	)
	got, err := seal([]byte("0123456789abcdef0123456789ABCDEF"), "0123456789ab", "transaction", []byte(plain))
	if err != nil || got != sealed {
		t.Errorf("sealed %s, want %s: %v", got, sealed, err)
	}
	if _, err := seal([]byte("0123456789abcdef0123456789ABCDEF"), "0123456789abc", "", nil); err == nil {
		t.Error("a nonce of 13 bytes is taken")
	}
	if _, err := seal([]byte("short"), "0123456789ab", "", nil); err == nil {
		t.Error("a key of 5 bytes is taken")
	}
}
