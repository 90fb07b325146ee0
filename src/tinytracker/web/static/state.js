// What all screens know: filled from the server's messages by main.js.

export const state = {
  demo: false,
  browserCamera: false,
  model: "",
  screen: null,
  calibration: { on: false, can_undo: false, stale: [] },
  recording: { on: false, name: "", frames: 0 },
  streams: [],
  smoothing: "",
  smoothings: [],
  streamingKey: "",
  stimuli: [],
  cameras: null,
  cameraSource: "",
  drift: "",
  cameraProblem: "",
  go: () => {},
  notice: () => {},
  refreshKeys: () => {},
};

/** Whether cm and degrees mean something on this screen. */
export const sizeIsKnown = () => state.screen !== null && state.screen.size_from !== "guess";
