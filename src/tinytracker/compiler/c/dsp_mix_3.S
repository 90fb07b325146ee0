
    FUNCTION gm_dsp_mix_open_3
    MIX_OPEN 3
    END_FUNCTION gm_dsp_mix_open_3

    FUNCTION gm_dsp_mix_3
    MIX 3
    END_FUNCTION gm_dsp_mix_3
