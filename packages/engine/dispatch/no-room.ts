/** There is no slot for the execution here: its message goes to others. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom';
}
