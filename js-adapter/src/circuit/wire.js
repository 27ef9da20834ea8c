/**
 * The numbers of `dotwit.v1`: kinds of frames, and the sizes that no frame may exceed.
 *
 * @module
 */

/** The WebSocket subprotocol: the major version of the wire. */
export const SUBPROTOCOL = 'dotwit.v1';

/** The most bytes of a method's or an assembly's name: they are identifiers, not data. */
export const MAX_NAME = 256;

/** The most bytes of a dotted path to a member of the page. */
export const MAX_IDENTIFIER = 1024;

/** The most bytes of an error's message: one sentence, with room for the arguments that it quotes. */
export const MAX_ERROR_MESSAGE = 4 * 1024;

/** The most bytes of an error's detail: a stack of some hundred lines. */
export const MAX_DETAIL = 16 * 1024;

/** The most byte arrays beside a text. */
export const MAX_BYTE_ARRAYS = 1024;

/** The most objects that one frame releases. */
export const MAX_RELEASES = 1024;

/** What a socket message may be larger than the largest frame's body: its own header, the frame's, and control frames. */
export const MESSAGE_OVERHEAD = 1024;

/** The kinds of frames that the page counts. */
export const CALL = 1;
export const CANCEL = 2;
export const PAGE_END = 3;
export const RELEASE = 4;
export const FORGET = 5;
export const CREDIT = 6;
export const CLOSE = 7;
export const PAGE_DATA = 8;

/** The kinds of frames that the server counts. */
export const END = 33;
export const PAGE_CALL = 34;
export const PAGE_CANCEL = 35;
export const PAGE_RELEASE = 36;
export const DATA = 37;
export const DATA_END = 38;
export const PAGE_READ = 39;
export const TRAPPED = 40;

/** The first kind of frames that are not counted. */
export const CONTROL = 64;
export const HELLO = 64;
export const WELCOME = 65;
export const RESUME = 66;
export const RESUMED = 67;
export const REFUSED = 68;
export const PING = 69;
export const PONG = 70;
export const GOODBYE = 71;
export const STALE = 72;

/** Kinds from here on are of younger versions, and skipped. */
export const UNKNOWN = 128;
