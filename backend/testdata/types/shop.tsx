// A shop's code, as its author would write it. Each @ts-expect-error is a mistake that the types must find.

async function pay(): Promise<string> {
  Saoma.preload();
  try {
    const checkout = await Saoma.checkout({ items: [{ sku: 'latte', quantity: 2 }, { sku: 'cake' }], theme: 'dark', timeout: 5_000 });
    checkout.addEventListener('paid', (event) => {
      const status: 'paid' = event.detail.status;
      const fen: number = event.detail.amount;
      event.preventDefault();
      console.log(status, fen, checkout.state === 'paid');
    });
    checkout.renew();
    const { status } = await checkout.result;
    // @ts-expect-error a result is final
    if (status === 'pending') checkout.cancel();
    return status;
  } catch (error) {
    if (error instanceof Saoma.SaomaError && error.code === 'closed') return 'closed';
    throw error;
  }
}

const element = document.createElement('saoma-checkout');
element.items = 'latte:1';
element.sound = true;
element.backAfter = 10;
element.order = null;
element.addEventListener('failed', ({ detail }) => console.log(detail.error.code));
element.addEventListener('click', () => element.close());
document.querySelector('saoma-checkout')?.open();
document.addEventListener('paid', (event) => console.log((event as SaomaEventMap['paid']).detail.orderId));

// @ts-expect-error there is no such mode
element.mode = 'popup';
// @ts-expect-error the state is told, not set
element.state = 'paid';
// @ts-expect-error neither items nor an order
void Saoma.checkout({ mode: 'modal' });
// @ts-expect-error an amount is the server's to say
void Saoma.checkout({ items: 'latte', amount: 1 });

export const markup = <saoma-checkout items="latte:1" mode="inline" return-url="/thanks" back-after={5} />;
// @ts-expect-error there is no such theme
export const wrong = <saoma-checkout items="latte:1" theme="blue" />;
export { pay };
