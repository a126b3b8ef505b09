// A shop's page with Adyen's component for WeChat Pay and nothing else of Adyen's: it is told of a payment whose
// code is there already, and shows it. The address of Adyen's servers comes from the page that loads this, which is
// told when the code is painted, in milliseconds since it was asked for.
import { AdyenCheckout, WeChat } from '@adyen/adyen-web';

const { server } = document.body.dataset;

AdyenCheckout.register(WeChat);
const checkout = await AdyenCheckout({
  clientKey: 'benchmark',
  environment: 'test',
  locale: 'zh-CN',
  countryCode: 'CN',
  amount: { value: 2800, currency: 'CNY' },
  analytics: { enabled: false },
  onActionHandled({ actionDescription }) {
    if (actionDescription !== 'qr-code-loaded') return;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel(); // its message comes after the painting
      port1.onmessage = () => (document.documentElement.dataset.painted = performance.now());
      port2.postMessage(0);
    });
  },
  _environmentUrls: { api: server, analytics: server, cdn: { images: server, translations: server } },
});
checkout
  .createFromAction({
    type: 'qrCode',
    paymentMethodType: 'wechatpayQR',
    paymentData: 'benchmark',
    qrCodeData: 'weixin://wxpay/bizpayurl?pr=benchmark',
  })
  .mount('#code');
