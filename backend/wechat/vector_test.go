package wechat

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"

	"saoma/backend/pay"
)

// The vectors of this file are published by WeChat Pay, or were made with software apart from the Go SDK.

// officialKey is the public half of the test key on doc 4012365336; answerKey is the one of doc 4013053420.
const (
	officialKey = `-----BEGIN PUBLIC KEY-----
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

func wantVerified(t *testing.T, publicKey, message, signature string) {
	t.Helper()
	public, err := ParsePublicKey([]byte(publicKey))
	if err != nil {
		t.Fatal(err)
	}
	ring := newKeyring(keyID, public)
	if err := ring.Verify(t.Context(), keyID, message, signature); err != nil {
		t.Error(err)
	}
	if err := ring.Verify(t.Context(), keyID, message+"\n", signature); !isRejected(err, Forged) {
		t.Errorf("one line more: %v, want %q", err, Forged)
	}
}

// TestRequestVectors checks the form of the message that the SDK signs (doc 4012365336, 4012365334).
func TestRequestVectors(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct{ method, target, body, digest, signature string }{
		"post": {
			"POST", "/v3/pay/transactions/jsapi",
			`{"appid":"wxd678efh567hg6787","mchid":"1900007291","description":"Image形象店-深圳腾大-QQ公仔",` +
				`"out_trade_no":"1217752501201407033233368018","notify_url":"https://www.weixin.qq.com/wxpay/pay.php",` +
				`"amount":{"total":100,"currency":"CNY"},"payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}`,
			"87a9f84cd9b4bdb78ec4dbe4595c8c8bf04d3e79a6765b2100741d1a473d37af",
			"jnks4dlrPw3ZX+ozVvSK39oa0t7OMBsg83BHAwd8BRdUFiVaQNTLTvci+wURgP1OQBbKYhFGvt7iqYpDSTQkp7Uq1sltaQKyncCyrA1g88m5" +
				"bsKERQfPyT0ahSwKTYJ1CAn9QiJuSJRq1QsQs07eehbU/k9BCS51jTyc1Jpsi2H77HF9f/BnjXAOP3/sPObg6V5Ee4EzwLox684hhuMuIwHo" +
				"7D8KFk3LIHOKDcNI4It1aCXydFWNpNK+SG86VUDe5kwoDpw4Ulqfu9z8OFDGbDs9TCxEv8iqQzbpxOlEVoOe2kalSYM5kApQb3nZcxdUtoE0" +
				"liJGW3RGUNE0t4v01A==",
		},
		"get": {
			"GET", "/v3/refund/domestic/refunds/123123123123", "",
			"c65a830c3a6f61f3312ff204f6e4fda6397078cb96775237273c1d0f8da02dcd",
			"Lc9VXxmeonkdV8Xk9tmigQFLhl0vRWTerdmoRu01aAnYwIrD/5nsSwE1WlmZGLRlAFTNQ3QsMa0+VRDlJp1Wp5p0nO8EK68b5sJBbjouxaFc" +
				"iIfq1zfDWWz+jqhcMoKXI1A6dPm1AW7D4d30WsMTNzp6g23OXakIsh9LO3lUmwvTuE0BY8ncf6tNGk4wKmvXwERd/ZpoQY3MAVKz+Nakwc+2" +
				"XBmzT66KcUehU5kr4IvGa/lEU5RZb/q00zP9VLdBhC/jQSX3X1UcJLCtEc4gTmib4tnmAT+bHF/e17ZAuxDNcx6rqT8gNEXqaJGG+1OflMST" +
				"U2tpyG65G4dMKdFcoA==",
		},
		"escaped": {
			"GET", "/v3/pay/transactions/out-trade-no/ORDER%7C0001?mchid=1900007291", "",
			"5301e8a4d203ad5a2cb7b90f7fc3fda07df62f8b697d1dd83b073acad69e37ac",
			"h8P6AwZDqZ2X0MeHxW/hBxkG7y7VxARllzRbzvtsJhxVMEDvYGZwYdUMcNo8zlCBreTJe7xH+HzswDEW/JpVKw00UTAXP4GSz+9t8Hvt2/1b" +
				"arZOZeUDuc+m9mWULaL6ph9or3P/fkn9/bC3byilbBR69LwSfBzjpjQMfe72PmEKv/JR1OfLGd7UcZcKcggksw5+lpiwxuvt/IdNmp4f1nKk" +
				"9YEnv0PE4oqn20IbDBjw/EoHBqRzl8m1fw9fC61yeoDP8/YNJByn0pJX2S0N/QTDr7chlsYEyLgH9rwHKMaN+22tMQNaytXGJWO5Vziq3VpE" +
				"LIdFxGegQFg2CmSufw==",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message := fmt.Sprintf(consts.SignatureMessageFormat,
				v.method, v.target, 1554208460, "593BEC0C930BF1AFEB40B4A08C8FB242", v.body)
			if sum := sha256.Sum256([]byte(message)); hex.EncodeToString(sum[:]) != v.digest {
				t.Errorf("digest of the message %x, want %s", sum, v.digest)
			}
			wantVerified(t, officialKey, message, v.signature)
		})
	}
}

// TestEscapedNumber checks that a number with | is asked for in the escaped form that is signed.
func TestEscapedNumber(t *testing.T) {
	t.Parallel()
	g := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		authorized(t, r)
		if want := "/v3/pay/transactions/out-trade-no/ORDER%7C0001?mchid=1900007291"; r.RequestURI != want {
			t.Errorf("asked %s, want %s", r.RequestURI, want)
		}
		refuses(404, `{"code":"ORDER_NOT_EXIST","message":"订单不存在"}`)(w, r)
	})
	_, err := g.Query(t.Context(), cafe, "ORDER|0001")
	wantFailure(t, err, "query", pay.Missing, "ORDER_NOT_EXIST")
}

// TestAnswerVector is the signed answer of doc 4013053420.
func TestAnswerVector(t *testing.T) {
	t.Parallel()
	wantVerified(t, answerKey,
		"1722850421\nd824f2e086d3c1df967785d13fcd22ef\n{\"code_url\":\"weixin://wxpay/bizpayurl?pr=JyC91EIz1\"}\n",
		"mfI1CPqvBrgcXfgXMFjdNIhBf27ACE2YyeWsWV9ZI7T7RU0vHvbQpu9Z32ogzc+k8ZC5n3kz7h70eWKjgqNdKQF0eRp8mVKlmfzMLBVHbssB"+
			"9jEZEDXThOX1XFqX7s7ymia1hoHQxQagPGzkdWxtlZPZ4ZPvr1RiqkgAu6Is8MZgXXrRoBKqjmSdrP1N7uxzJ/cjfSiis9FiLjuADoqmQ1P7"+
			"p2N876YPAol7Rn0+GswwAwxldbdLrmVSjfytfSBJFqTMHn4itojgxSWWN1byuckQt8hSTEv/Lg97QoeGniYP17T80pJeQyL3b+295FPHSO2A"+
			"tvCgyIbKMZ0BALilAA==")
}

// TestResourceVector is a resource encrypted with another implementation (wechatpay-axios-plugin), inside a
// callback signed by the test.
func TestResourceVector(t *testing.T) {
	t.Parallel()
	const ciphertext = "ToVe8+WbzCSy3w23DaXKn4NabCtD3ZFdfZqgXGnhCiCkfmnysVMdSp2a/mtpZmkttjyXy6zQXc38rqx+eNWRBKe6/TxhTl" +
		"QNhs8hgYqbMW3xJCDyhiGkYk60//k8IePwjS/Mg84U+RKQg2Lg/mj9RvjQWxg2C33GGJdySOTeaKwpwuSfbZ2wgrlD+Y9iiyq4owNZMEfYEr" +
		"AVvkXtsWV3UilaoW7uVdkomla7zzuBwvQfrbjh2eTBxTwrHcTT1oC9mKdN/RYf0udNHCHeY0KbjD4bKsvWntd1tgDdcZUrXWXtx28YC+iSv1" +
		"U53oC1yWkMck/LCy4wfVXW/iGKFVNOOuN2Pcz+2KVKUWzoexes64YooljMkY1bdUOrp+fZp6sJRHtoPiHvH0wb4vZ9lbLhn0Yo/7AbX3x25y" +
		"3nozfD/yR1pAA2b0bnKckA5Nro82ScvljMzgXqd0ndCTN6j0Q83AxEo2k8UFBHu5dEW63o6cISsznzg1X7OfBSEJC/AW7x1kkK6EMQjNfmqp" +
		"XecDJ3jiKnYg541zcvU0bgDf9nUE9vKaU01Q13Xya5RI2e"
	body := encode(object{"event_type": "TRANSACTION.SUCCESS", "resource": object{
		"algorithm": algorithm, "original_type": "transaction", "associated_data": "transaction",
		"nonce": "0123456789ab", "ciphertext": ciphertext,
	}})
	h := http.Header{}
	sign(h, keys().wechats, time.Now(), body)
	n, err := newGateway(t, "", nil).OpenPayment(cafe, h, body)
	if err != nil {
		t.Fatal(err)
	}
	wantNotice(t, n, paymentNotice(pay.FromCallback))
}
